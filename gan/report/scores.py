"""The table of scores from an evaluation record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan.metrics.registry import KINDS
from gan.report.data import Mode, ScoreInterval, ScoreRow, ScoreTable
from gan.types import Json


def scores(evaluation: Json, live: Json | None, live_note: str) -> ScoreTable:
    """The rows of a checkpoint's scores.

    Args:
        evaluation: its record.
        live: the record of the live generator; ignored if its identity differs.
        live_note: a sentence about the live column, or why there is none.
    """
    comparable = live is not None and live["identity"] == evaluation["identity"]
    live_scores: Json = live["scores"] if live is not None and comparable else {}
    rows = tuple(
        ScoreRow(
            name=evaluation["label"] if name == "fid" else display_name(name),
            better=KINDS[name].better if name in KINDS else None,
            generator=interval(score),
            real=interval(evaluation.get("real", {}).get(name)),
            live=interval(live_scores.get(name)),
            floor=score.get("floor"),
            meaning=KINDS[name].meaning if name in KINDS else "",
        )
        for name, score in evaluation["scores"].items()
    )
    identity = tuple((name.replace("_", " "), _text(value)) for name, value in evaluation["identity"].items())
    weakness = str(evaluation.get("weakness") or "")
    return ScoreTable(evaluation["label"], evaluation["step"], rows, identity, live_note, weakness)


def display_name(name: str) -> str:
    """A score's name for people: KID, mode KL, modes found. FID uses its label, which names the network."""
    return KINDS[name].display_name if name in KINDS else name.replace("_", " ")


def interval(score: Mapping[str, Any] | None) -> ScoreInterval | None:
    """A score of a record; None if it is missing or not finite."""
    value = None if score is None else _finite(score.get("value"))
    if score is None or value is None:
        return None
    low, high = _finite(score.get("low")), _finite(score.get("high"))
    return ScoreInterval(value) if low is None or high is None else ScoreInterval(value, low, high)


def modes(evaluation: Json) -> tuple[Mode, ...]:
    """The mode shares in a record."""
    histogram = evaluation.get("histogram")
    if not histogram:
        return ()
    rows = zip(histogram["names"], histogram["real"], histogram["generated"], strict=True)
    return tuple(Mode(str(name), float(real), float(generated)) for name, real, generated in rows)


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < float("inf") else None


def _text(value: Any) -> str:
    return "none" if value is None else str(value)
