"""The scores, the verdict, the config, the environment and the times of a run as rows of the report. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gan.metrics.registry import KINDS
from gan.report.data import CheckRow, Mode, ScoreInterval, ScoreRow, ScoreTable, Setting, Verdict
from gan.types import Json
from gan.util.formatting import format_duration, format_value


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
    identity = tuple(
        (name.replace("_", " "), "none" if value is None else str(value))
        for name, value in evaluation["identity"].items()
    )
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


def verdict(record: Json, *, live: bool) -> Verdict:
    """The gate's verdict.

    Args:
        record: runs/<run_id>/verdicts/<name>.json.
        live: whether the judged generator is the live one now.
    """
    return Verdict(
        name=record["name"],
        generator_id=record["generator_id"],
        passed=bool(record["passed"]),
        live=live,
        reasons=tuple(map(str, record["reasons"])),
        notes=tuple(map(str, record.get("notes", ()))),
        checks=tuple(
            CheckRow(
                each["name"].replace("_", " "),
                format_value(each["value"], absent="missing"),
                str(each["allowed"]),
                bool(each["passed"]),
            )
            for each in record["checks"]
        ),
    )


def settings(config: Json, defaults: Json) -> tuple[Setting, ...]:
    """Every key of a config as `group.key`, with the default if it differs.

    Args:
        config: from `Config.to_dict`.
        defaults: the same of a config without settings.
    """
    default_values = dict(_flatten(defaults))
    return tuple(
        Setting(key, text(value), text(default_values.get(key)) if default_values.get(key) != value else None)
        for key, value in _flatten(config)
    )


def environment(precision: str, recorded: Json) -> tuple[tuple[str, str], ...]:
    """The environment of a run: its precision, and what `gan.train.logging.provenance` recorded."""
    shown = {"precision": precision, **recorded}
    shown["gpus"] = ", ".join(shown.get("gpus") or []) or "none"
    return tuple((name, text(value)) for name, value in shown.items())


def text(value: Any) -> str:
    """A value as text, like in YAML: true, none, 0.0002; a list without brackets."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flatten(tree: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


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
