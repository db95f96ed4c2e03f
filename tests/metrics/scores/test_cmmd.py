"""The Gaussian-kernel distance: known values, and the authors' code."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics.scores import cmmd


def published(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    """As in the code of Jayasumana et al. (distance.py), in plain numpy."""

    def mean_kernel(first: np.ndarray, second: np.ndarray) -> float:
        squares = np.sum((first[:, None] - second[None]) ** 2, axis=2)
        return float(np.mean(np.exp(-squares / (2 * sigma**2))))

    return 1000 * (mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y))


@pytest.mark.parametrize("sigma", [0.5, 10.0])
def test_equals_the_published_formula(sigma: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(50, 5)), rng.normal(size=(37, 5)) + 0.3
    expected = published(real, generated, sigma)
    assert cmmd.cmmd(real, generated, sigma=sigma) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr(cmmd, "TILE_ROWS", 8)
    assert cmmd.cmmd(real, generated, sigma=sigma) == pytest.approx(expected, rel=1e-9)


def test_of_equal_sets_is_0() -> None:
    points = np.random.default_rng(0).normal(size=(80, 4))
    assert cmmd.cmmd(points, points[::-1], sigma=1.0) == pytest.approx(0.0, abs=1e-10)


def test_of_two_points() -> None:
    """2 - 2 exp(-d^2 / (2 sigma^2)), times 1,000."""
    found = cmmd.cmmd(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]), sigma=5.0)
    assert found == pytest.approx(1000 * (2 - 2 * np.exp(-0.5)), rel=1e-12)


def test_a_large_offset_does_not_blur() -> None:
    rng = np.random.default_rng(1)
    real, generated = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 1
    moved = cmmd.cmmd(real + 1e6, generated + 1e6, sigma=1.0)
    assert moved == pytest.approx(cmmd.cmmd(real, generated, sigma=1.0), rel=1e-7)


def test_a_wide_kernel_sees_only_the_means() -> None:
    """k is about 1 - |x - y|^2 / (2 sigma^2), of which the squared distance of the means is left, over sigma^2."""
    rng = np.random.default_rng(2)
    real, generated = rng.normal(size=(60, 4)), 1.5 * rng.normal(size=(60, 4)) + 0.5
    gap = real.mean(axis=0) - generated.mean(axis=0)
    assert cmmd.cmmd(real, generated, sigma=1e3) == pytest.approx(1000 * gap @ gap / 1e6, rel=1e-3)


def test_of_two_gaussians() -> None:
    """E k = (s^2 / (s^2 + 2))^(F / 2) exp(-|shift|^2 / (2 (s^2 + 2))) for unit Gaussians."""
    rng = np.random.default_rng(3)
    count, features, sigma, shift = 3000, 3, 2.0, 1.0
    real, generated = rng.normal(size=(count, features)), rng.normal(loc=[shift, 0, 0], size=(count, features))
    within = (sigma**2 / (sigma**2 + 2)) ** (features / 2)
    expected = 2 * within * (1 - np.exp(-(shift**2) / (2 * (sigma**2 + 2)))) + 2 * (1 - within) / count
    assert cmmd.cmmd(real, generated, sigma=sigma) == pytest.approx(1000 * expected, rel=0.12)


def test_the_bandwidth_is_the_median_distance() -> None:
    rng = np.random.default_rng(5)
    real = rng.normal(size=(5000, 32)) + 100
    assert cmmd.bandwidth(real) == pytest.approx(8.0, rel=0.02)  # |x - y|^2 is 2 chi^2 of 32: about 64
    assert cmmd.bandwidth(np.ones((10, 2))) == 1.0
