"""How long training and evaluation took. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gan.types import Json
from gan.util.formatting import format_duration


def timings(lines: Sequence[Json], evaluated: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    """How long training and evaluation took, as (activity, duration).

    Args:
        lines: from `gan.train.logging.metrics_log.read_metrics`.
        evaluated: from `gan.metrics.evaluations.read_all`.
    """
    rows = []
    if lines and "seconds" in lines[-1]:
        rows.append((f"training, {lines[-1]['step']:,} steps", format_duration(lines[-1]["seconds"])))
    if evaluated:
        spent = sum(record.get("seconds", 0.0) for record in evaluated)
        what = f"{len(evaluated)} checkpoints" if len(evaluated) > 1 else "1 checkpoint"
        rows.append((f"evaluation, {what}", format_duration(spent)))
    return tuple(rows)
