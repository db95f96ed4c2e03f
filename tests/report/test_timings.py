"""Durations in words."""

from __future__ import annotations

from gan.report.rows import timings


def test_training_and_evaluation() -> None:
    lines = [{"step": 1, "seconds": 1.0}, {"step": 1200, "seconds": 61.0}]
    assert timings(lines, [{"seconds": 2.0}, {"seconds": 3.0}]) == (
        ("training, 1,200 steps", "1 min 1 s"),
        ("evaluation, 2 checkpoints", "5 s"),
    )
    assert timings([], []) == ()
