"""Intervals of shares: published values, exact coverage, and width where all images agree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import multinomial

from gan.metrics import contributions, shares


@pytest.mark.parametrize(
    ("found", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_newcombes_table(found: int, count: int, low: float, high: float) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert shares.wilson(found / count, count, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_wilson_at_the_ends_and_without_images() -> None:
    assert shares.wilson(1.0, 100, 0.95).high == 1.0
    assert shares.wilson(1.0, 100, 0.95).low == pytest.approx(1 - shares.wilson(0.0, 100, 0.95).high)
    assert shares.wilson(0.0, 0, 0.95) == (0.0, 1.0)


def test_mean_interval() -> None:
    assert shares.mean_interval(np.array([1.0, 3.0]), 0.95) == pytest.approx((2 - 1.95996, 2 + 1.95996), abs=1e-4)
    assert shares.mean_interval(np.array([1.0]), 0.95) == (-np.inf, np.inf)


def limits(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> shares.Interval:
    paired = contributions.difference(contributions.of_values(first), contributions.of_values(second))
    return shares.difference_limit(paired, float(np.mean(first) - np.mean(second)), confidence, over="generated")


@pytest.mark.parametrize("first", [np.ones(100), np.repeat([1.0, 0.0], [98, 2])])
def test_limits_have_a_width_where_no_image_differs(first: np.ndarray) -> None:
    assert limits(first, first) == pytest.approx((-1.6449 / 102, 1.6449 / 102), abs=1e-5)


@pytest.mark.parametrize("cells", [(0.05, 0.05), (0.01, 0.01), (0.2, 0.1), (0.3, 0.3)])
def test_exact_coverage_of_the_upper_limit(cells: tuple[float, float]) -> None:
    """Over all numbers of images that differ either way, of 40."""
    covered = 0.0
    for more, less in itertools.product(range(41), repeat=2):
        if more + less <= 40:
            chance = multinomial.pmf([more, less, 40 - more - less], 40, [*cells, 1 - sum(cells)])
            if chance > 1e-9:
                differences = np.repeat([1.0, -1.0, 0.0], [more, less, 40 - more - less])
                covered += chance * (limits(differences, np.zeros(40)).high >= cells[0] - cells[1])
    assert 0.92 < covered <= 1.0
