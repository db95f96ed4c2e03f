"""Modes: counting, and the KL divergence with its floor."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from gan.metrics.features.mode_definitions import histogram
from gan.metrics.scores import modes


def test_an_image_counts_for_its_most_probable_mode() -> None:
    probabilities = np.array([[0.1, 0.8, 0.1], [0.5, 0.2, 0.3], [0.2, 0.7, 0.1]])
    assert histogram(probabilities).tolist() == [1, 2, 0]


def test_kl_equals_scipys() -> None:
    generated, real = np.array([10, 0, 5, 85]), np.array([30, 20, 25, 25])
    assert modes.mode_kl(generated, real) == pytest.approx(entropy(generated, real), rel=1e-12)


def test_kl_of_a_collapsed_generator_is_log_k() -> None:
    assert modes.mode_kl(np.array([100, 0, 0, 0]), np.full(4, 25)) == pytest.approx(np.log(4))


def test_kl_is_zero_for_equal_shares() -> None:
    assert modes.mode_kl(np.array([20, 40]), np.array([1, 2])) == 0.0


def test_a_mode_without_real_images_costs_much_but_not_infinitely_much() -> None:
    found = modes.mode_kl(np.array([50, 50]), np.array([100, 0]))
    assert np.isfinite(found)
    assert found > 1


def test_floor_of_a_thousand_modes() -> None:
    """The published setting of stacked MNIST: 1,000 modes, 26,000 samples."""
    assert modes.kl_floor(1000, 26_000) == pytest.approx(0.0192, abs=1e-4)


@pytest.mark.parametrize("real_images", [None, 800])
def test_floor_is_what_a_perfect_sampler_scores(real_images: int | None) -> None:
    rng = np.random.default_rng(0)
    shares, samples = np.array([0.1, 0.2, 0.3, 0.15, 0.25]), 500
    scored = []
    for _ in range(800):
        real = shares * 1e9 if real_images is None else rng.multinomial(real_images, shares)
        scored.append(modes.mode_kl(rng.multinomial(samples, shares), real))
    assert np.mean(scored) == pytest.approx(modes.kl_floor(5, samples, real_images), rel=0.1)


def test_sure() -> None:
    assert modes.is_confident(np.array([[0.95, 0.05], [0.9, 0.1], [0.5, 0.5]]), 0.9).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("generated", "real", "found"),
    [
        ([98, 1, 1], [50, 40, 10], 2),  # 1 of 100 is a tenth of 10 %, and less than a tenth of 40 %
        ([96, 4, 0], [50, 40, 10], 2),
        ([50, 40, 10], [100, 0, 0], 1),  # modes without a real image don't count
        ([10, 0], [999_999, 1], 1),  # a tenth of a share may be less than an image; one is needed
    ],
)
def test_a_mode_is_found_from_a_tenth_of_its_real_share_on(generated: list[int], real: list[int], found: int) -> None:
    assert modes.modes_found(np.array(generated), np.array(real)) == found


def test_the_error_of_modes_found_is_its_spread_over_new_samples() -> None:
    rng = np.random.default_rng(0)
    real, shares = np.full(50, 20), np.repeat([0.0305, 0.0025, 0.002], [30, 10, 10]) / 0.96
    drawn = rng.multinomial(500, shares, size=500)
    errors = [modes.modes_found_error(each, real) for each in drawn]
    spread = np.std([modes.modes_found(each, real) for each in drawn])
    assert 0.6 < np.mean(errors) / spread < 1.4


@pytest.mark.parametrize(
    "shares", [(0.2, 0.2, 0.2, 0.2, 0.2), (0.4, 0.3, 0.1, 0.1, 0.1), (0.23, 0.2, 0.19, 0.19, 0.19)]
)
def test_the_error_of_kl_is_its_spread_over_new_samples(shares: tuple[float, ...]) -> None:
    """Far from the floor, at it and near it."""
    drawn, real = np.random.default_rng(0).multinomial(1000, shares, size=2000), np.full(5, 10**6)
    spread = np.std([modes.mode_kl(each, real) for each in drawn])
    assert 0.85 < np.sqrt(np.mean([modes.mode_kl_error(each, real) ** 2 for each in drawn])) / spread < 1.25
