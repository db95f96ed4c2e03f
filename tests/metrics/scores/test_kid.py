"""KID: the estimator as a double sum, its expectation, and its subsets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gan.metrics.maths.contributions import standard_error
from gan.metrics.scores import kid


def by_double_sums(real: np.ndarray, generated: np.ndarray) -> float:
    """Gretton et al. 2012, equation 3, pair by pair."""

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    within_real = np.mean([kernel(x, y) for x, y in itertools.permutations(real, 2)])
    within_generated = np.mean([kernel(x, y) for x, y in itertools.permutations(generated, 2)])
    across = np.mean([kernel(x, y) for x, y in itertools.product(real, generated)])
    return float(within_real + within_generated - 2 * across)


def test_equals_the_double_sums() -> None:
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(9, 4)), rng.normal(size=(7, 4)) + 0.5
    assert kid.polynomial_mmd(real, generated) == pytest.approx(by_double_sums(real, generated), rel=1e-12)


def test_known_value_of_two_points() -> None:
    """k(x, x') = (1 * 1 + 1)^3 = 8, k(y, y') = (0 + 1)^3 = 1, k(x, y) = 1: 8 + 1 - 2."""
    assert kid.polynomial_mmd(np.ones((2, 1)), np.zeros((2, 1))) == pytest.approx(7.0)


def test_is_unbiased() -> None:
    """Over many pairs of sets of one distribution the mean is 0 within its error, and some values are negative."""
    rng = np.random.default_rng(1)
    values = [kid.polynomial_mmd(rng.normal(size=(20, 3)), rng.normal(size=(20, 3))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


@pytest.mark.parametrize(
    ("max_size", "real", "generated", "size"), [(1000, 10_000, 5_000, 1000), (1000, 300, 900, 150), (1000, 3, 3, 2)]
)
def test_subset_size(max_size: int, real: int, generated: int, size: int) -> None:
    assert kid.subset_size(max_size, real, generated) == size


def test_the_mean_over_subsets_is_near_the_estimate_of_all() -> None:
    rng = np.random.default_rng(2)
    real, generated = rng.normal(size=(600, 5)), rng.normal(size=(600, 5)) + 0.3
    found = kid.kid(real, generated, subsets=200, max_subset_size=100, rng=np.random.default_rng(0))
    error = kid.error_of_subsets(found)
    assert found.mean() == pytest.approx(kid.polynomial_mmd(real, generated), abs=3 * error)


def test_all_pairs_and_its_jackknife() -> None:
    rng = np.random.default_rng(5)
    real, generated = rng.normal(size=(12, 3)), rng.normal(size=(9, 3)) + 0.4
    found = kid.all_pairs(real, generated)
    assert found.value == pytest.approx(kid.polynomial_mmd(real, generated), rel=1e-12)
    without = np.array([-kid.polynomial_mmd(real, np.delete(generated, each, 0)) for each in range(9)])
    np.testing.assert_allclose(found.contributions.generated[0], 8 * (without - without.mean()), atol=1e-10)
    without = np.array([-kid.polynomial_mmd(np.delete(real, each, 0), generated) for each in range(12)])
    np.testing.assert_allclose(found.contributions.real[0], 11 * (without - without.mean()), atol=1e-10)


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    real, generated = rng.normal(size=(30, 3)), rng.normal(size=(25, 3))
    whole = kid.all_pairs(real, generated)
    monkeypatch.setattr(kid, "TILE_ROWS", 7)
    tiled = kid.all_pairs(real, generated)
    for first, second in zip(whole.contributions, tiled.contributions, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-10)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_new_error_is_the_spread_near_zero_and_far_from_it(shift: float) -> None:
    rng = np.random.default_rng(7)
    rows = []
    for _ in range(150):
        found = kid.all_pairs(rng.normal(size=(150, 32)), rng.normal(size=(150, 32)) + shift)
        rows.append((found.value, standard_error(found.contributions, over="both")))
    values, errors = np.array(rows).T
    assert 0.75 < np.sqrt(np.mean(errors**2)) / np.std(values) < 1.35


def test_two_images_have_an_infinite_error() -> None:
    points = np.random.default_rng(8).normal(size=(2, 4))
    found = kid.kid(points, points, subsets=5, max_subset_size=2, rng=np.random.default_rng(0))
    pairs = kid.all_pairs(points, points).contributions
    assert kid.error_of_kid(found, pairs, over="generated") == np.inf
    assert kid.error_of_subsets(np.ones(1)) == np.inf
