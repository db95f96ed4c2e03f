"""Intervals of shares: published examples, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.metrics.maths.shares import upper_difference, wilson


@pytest.mark.parametrize(
    ("found", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits(found: int, count: int, low: float, high: float) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert wilson(found / count, count, 0.95) == pytest.approx((low, high), abs=5e-5)


@given(found=st.integers(0, 50), more=st.integers(0, 1000), confidence=st.floats(0.5, 0.999))
def test_wilson_holds_the_share_and_stays_within_0_and_1(found: int, more: int, confidence: float) -> None:
    count = found + more + 1
    low, high = wilson(found / count, count, confidence)
    assert 0.0 <= low <= found / count <= high <= 1.0
    assert high > low


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.97, 1.0])
def test_wilson_covers(share: float) -> None:
    rng = np.random.default_rng(0)
    covered = [
        low <= share <= high for low, high in (wilson(k / 300, 300, 0.95) for k in rng.binomial(300, share, 4000))
    ]
    assert np.mean(covered) >= 0.92


def of(both: int, first: int, second: int, neither: int, confidence: float) -> float:
    count = both + first + second + neither
    one, other = (both + first) / count, (both + second) / count
    return upper_difference(one, other, both / count - one * other, count, confidence)


@pytest.mark.parametrize("cells", [(36, 12, 2, 0), (53, 1, 1, 0), (54, 0, 0, 0), (30, 0, 0, 20), (0, 30, 20, 0)])
def test_upper_end_of_a_paired_difference_is_that_of_method_10(cells: tuple[int, int, int, int]) -> None:
    """Worked out from the four cells; it lies above the difference even where no image tells the two apart."""
    found = of(*cells, 0.975)
    assert found == pytest.approx(method_10(*cells), abs=1e-9)
    assert found > (cells[1] - cells[2]) / sum(cells)


def method_10(a: int, b: int, c: int, d: int) -> float:
    n = a + b + c + d
    p, q = (a + b) / n, (a + c) / n
    high, low = wilson(p, n, 0.95)[1], wilson(q, n, 0.95)[0]
    product = (a + b) * (c + d) * (a + c) * (b + d)
    correlation = 0.0
    if product:
        gap = a * d - b * c
        correlation = (max(gap - n / 2, 0) if gap > 0 else gap) / product**0.5
    return p - q + ((high - p) ** 2 - 2 * correlation * (high - p) * (q - low) + (q - low) ** 2) ** 0.5


def test_upper_end_covers_paired_shares() -> None:
    rng = np.random.default_rng(1)
    below = []
    for _ in range(3000):
        cells = rng.multinomial(400, [0.6, 0.08, 0.05, 0.27])
        below.append(of(*cells, 0.95) >= 0.03)
    assert 0.93 <= np.mean(below) <= 0.98
