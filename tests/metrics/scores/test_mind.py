"""The sliced Wasserstein distance: closed forms and a second implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.metrics.scores import mind


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_one_feature_is_the_wasserstein_distance() -> None:
    real, generated = np.array([[0.0], [1.0], [5.0]]), np.array([[2.0], [7.0], [0.0]])
    assert mind.mind(real, generated, directions=3, rng=rng()) == pytest.approx((0 + 1 + 4) / 3, rel=1e-12)


def test_of_a_shift_is_its_square() -> None:
    points, shift = rng().normal(size=(50, 8)), np.array([1.0, -2, 0, 0, 0.5, 0, 0, 3])
    found = mind.sliced_distances(points, points + shift, directions=4000, rng=rng())
    axes = np.random.default_rng(7).normal(size=(4000, 8))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    np.testing.assert_allclose(found, (axes @ shift) ** 2, rtol=1e-9, atol=1e-12)
    assert 8 * found.mean() == pytest.approx(shift @ shift, rel=0.06)


def test_of_two_isotropic_gaussians() -> None:
    """W2 of N(0, a^2) and N(0, b^2) is |a - b| along every direction."""
    real, generated = 2.0 * rng().normal(size=(20000, 4)), 3.0 * np.random.default_rng(8).normal(size=(20000, 4))
    assert mind.mind(real, generated, directions=64, rng=rng()) == pytest.approx(4.0, rel=0.05)


def test_of_equal_sets_in_another_order_is_0() -> None:
    points = rng().normal(size=(100, 5)).astype(np.float32)
    assert mind.mind(points, points[::-1], directions=10, rng=rng()) == 0.0


def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    real, generated = rng().normal(size=(40, 6)), np.random.default_rng(1).normal(size=(30, 6))
    whole = mind.sliced_distances(real, generated, directions=20, rng=rng())
    monkeypatch.setattr(mind, "TILE_BYTES", 8 * 40 * 3)
    np.testing.assert_allclose(mind.sliced_distances(real, generated, directions=20, rng=rng()), whole, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(real_count=st.integers(1, 12), generated_count=st.integers(1, 12))
def test_unequal_numbers_equal_repeated_sets(real_count: int, generated_count: int) -> None:
    """Repeating each point the same number of times changes no distribution."""
    real = np.random.default_rng(real_count).normal(size=(real_count, 3))
    generated = np.random.default_rng(generated_count + 100).normal(size=(generated_count, 3))
    common = math.lcm(real_count, generated_count)
    repeated = [np.repeat(each, common // len(each), axis=0) for each in (real, generated)]
    found = mind.sliced_distances(real, generated, directions=5, rng=rng())
    axes = rng().normal(size=(5, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    first, second = (np.sort(each @ axes.T, axis=0) for each in repeated)
    np.testing.assert_allclose(found, np.mean((first - second) ** 2, axis=0), rtol=1e-9, atol=1e-12)
