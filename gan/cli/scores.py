"""Scores as a table, the same in both programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan.util.formatting import format_interval, format_score


def score_lines(details: Mapping[str, Any]) -> list[str]:
    """The scores of a checkpoint with intervals, next to those of real data: a heading, then one score a line."""
    lines = [f"{details['label']} at step {details['step']}"]
    lines.append(f"  {'score':<16}{'generator':>12}  {'interval':<24}{'real data':>12}")
    for name, score in details["scores"].items():
        real: Mapping[str, float] = details["real"].get(name, {})
        interval = f"({format_interval(score['low'], score['high'])})" if "low" in score else ""
        floor = f"  floor {format_score(score['floor'])}" if "floor" in score else ""
        real_value = format_score(real.get("value"))
        lines.append(f"  {name:<16}{format_score(score['value']):>12}  {interval:<24}{real_value:>12}{floor}")
    lines += [f"  note: {details['weakness']}"] if details.get("weakness") else []
    return lines
