"""Scores as a table, the same in both programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def score_lines(details: Mapping[str, Any]) -> list[str]:
    """The scores of a checkpoint with intervals, next to those of real data: a heading, then one score a line."""
    lines = [f"{details['label']} at step {details['step']}"]
    lines.append(f"  {'score':<16}{'generator':>12}  {'interval':<24}{'real data':>12}")
    for name, score in details["scores"].items():
        real: Mapping[str, float] = details["real"].get(name, {})
        interval = f"({score['low']:.4g} to {score['high']:.4g})" if "low" in score else ""
        floor = f"  floor {score['floor']:.4g}" if "floor" in score else ""
        real_value = f"{real['value']:.4g}" if real else "-"
        lines.append(f"  {name:<16}{score['value']:>12.4g}  {interval:<24}{real_value:>12}{floor}")
    lines += [f"  note: {details['weakness']}"] if details.get("weakness") else []
    return lines
