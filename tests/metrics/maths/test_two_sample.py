"""The kernel two-sample difference: its value, its false alarms, its coverage."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from gan.metrics.maths.two_sample import MmdEstimate, mmd_with_interval
from gan.metrics.scores.kid import polynomial_mmd

CONFIDENCE = 0.95
MIXING = np.random.default_rng(5).normal(size=(8, 32)) / 3


def features(rng: np.random.Generator, count: int, shift: float = 0.0) -> np.ndarray:
    """As a network gives them: correlated, at least 0, many of them 0."""
    seen = rng.normal(size=(count, 8)) @ MIXING + 0.3 * rng.normal(size=(count, 32)) + shift
    return np.maximum(seen, 0).astype(np.float32)


def difference(first: np.ndarray, second: np.ndarray, seed: int = 0, permutations: int = 200) -> MmdEstimate:
    rng = np.random.default_rng(seed)
    return mmd_with_interval(first, second, confidence=CONFIDENCE, permutations=permutations, rng=rng)


def several(count: int, shift: float, times: int) -> list[MmdEstimate]:
    rng = np.random.default_rng(1)
    return [difference(features(rng, count), features(rng, count, shift), seed) for seed in range(times)]


def test_the_value_is_that_of_kid() -> None:
    rng = np.random.default_rng(0)
    first, second = features(rng, 30), features(rng, 30, 0.1)
    found = difference(first, second)
    assert found.value == pytest.approx(polynomial_mmd(first, second), rel=1e-9)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("count", [10, 30, 60])
def test_equal_distributions_raise_a_false_alarm_in_at_most_a_twentieth_of_cases(count: int) -> None:
    """2.5 % are promised; of 300 the binomial distribution allows up to 15, 5 %, with probability 0.996."""
    found = several(count, 0.0, 300)
    assert sum(each.low > 0 for each in found) <= 15
    values = [each.value for each in found]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values)), "unbiased"


@pytest.mark.parametrize("shift", [0.05, 0.2, 0.4])
def test_the_interval_covers_the_distance_of_distributions_that_differ(shift: float) -> None:
    rng = np.random.default_rng(9)
    true = np.mean([polynomial_mmd(features(rng, 400), features(rng, 400, shift)) for _ in range(60)])
    found = several(60, shift, 200)
    most = scipy.stats.binom.ppf(0.999, len(found), (1 - CONFIDENCE) / 2)
    assert sum(each.low > true for each in found) <= most
    assert sum(each.high < true for each in found) <= most


def test_more_images_find_smaller_differences() -> None:
    few, many = (sum(each.low > 0 for each in several(count, 0.2, 40)) for count in (10, 120))
    assert few < 10
    assert many > 30


def test_images_that_are_all_the_same_do_not_differ() -> None:
    assert difference(np.ones((5, 3)), np.ones((5, 3))) == (0.0, 0.0, 0.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    rng = np.random.default_rng(3)
    first, second = features(rng, 20), features(rng, 20)
    assert difference(first, second, 1) == difference(first, second, 1)
    assert difference(first, second, 1).low != difference(first, second, 2).low
