"""How long training and evaluation took. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gan.types import Json


def timings(lines: Sequence[Json], evaluated: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    """How long training and evaluation took, as (activity, duration).

    Args:
        lines: from `gan.train.logging.metrics_log.read_metrics`.
        evaluated: from `gan.metrics.evaluations.read_all`.
    """
    rows = []
    if lines and "seconds" in lines[-1]:
        rows.append((f"training, {lines[-1]['step']:,} steps", duration(lines[-1]["seconds"])))
    if evaluated:
        spent = sum(record.get("seconds", 0.0) for record in evaluated)
        what = f"{len(evaluated)} checkpoints" if len(evaluated) > 1 else "1 checkpoint"
        rows.append((f"evaluation, {what}", duration(spent)))
    return tuple(rows)


def duration(seconds: float) -> str:
    """Such as 42 s, 3 min 12 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
