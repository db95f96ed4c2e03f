"""Axes: round ticks that cover the values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.report.charts.plot import axis, round_step

numbers = st.floats(-1e9, 1e9, allow_subnormal=False)


@pytest.mark.parametrize(("size", "step"), [(0.3, 0.5), (1, 1), (1.01, 2), (2.2, 2.5), (7, 10), (0.0021, 0.0025)])
def test_round_steps(size: float, step: float) -> None:
    assert round_step(size) == pytest.approx(step)


@given(low=numbers, high=numbers)
def test_an_axis_holds_its_values_between_a_few_ticks(low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    made = axis(low, high, 0, 100)
    slack = 1e-6 * (made.high - made.low)
    assert made.low <= low + slack
    assert made.high >= high - slack
    assert 2 <= len(made.ticks) <= 8
    assert list(made.ticks) == sorted(set(made.ticks))
    assert 0 <= made.at(low) <= made.at(high) <= 100


def test_positions_run_from_start_to_end() -> None:
    made = axis(0, 10, 200, 0)
    assert [made.at(value) for value in (-5, 0, 5, 10, 99)] == [200, 200, 100, 0, 0]
    assert made.ticks == (0, 2.5, 5, 7.5, 10)


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_single_value_stands_inside_its_axis(value: float) -> None:
    made = axis(value, value, 0, 100)
    assert 0 < made.at(value) < 100


@pytest.mark.parametrize(
    ("tick", "text"),
    [(0.0, "0"), (0.25, "0.25"), (1500.0, "1,500"), (20_000.0, "20k"), (0.00002, "2e-05"), (-0.5, "-0.5")],
)
def test_labels_are_short(tick: float, text: str) -> None:
    assert axis(0, 1, 0, 1).label(tick) == text
