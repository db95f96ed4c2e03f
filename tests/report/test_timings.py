"""Durations in words."""

from __future__ import annotations

import pytest

from gan.report.timings import duration, timings


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_training_and_evaluation() -> None:
    lines = [{"step": 1, "seconds": 1.0}, {"step": 1200, "seconds": 61.0}]
    assert timings(lines, [{"seconds": 2.0}, {"seconds": 3.0}]) == (
        ("training, 1,200 steps", "1 min 1 s"),
        ("evaluation, 2 checkpoints", "5 s"),
    )
    assert timings([], []) == ()
