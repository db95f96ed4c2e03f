"""The text and exit code for a step's result, and tables of scores and of garbage, the same in both programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gan.cli.direction_table import direction_table
from gan.errors import EXIT_REFUSED
from gan.result import StepResult
from gan.types import Json
from gan.util.formatting import format_bytes, format_interval, format_score


@dataclass(frozen=True)
class CommandOutput:
    """What a command prints: `text` for people, `record` for `--json`."""

    text: str
    record: Json
    exit_code: int = 0


def to_output(step: str, result: StepResult) -> CommandOutput:
    """The output for the result of a step. For most steps the text is only the id, for scripts."""
    refused = step == "gate" and not result.details["passed"]
    return CommandOutput(TEXTS.get(step, _id)(result), result.to_dict(), EXIT_REFUSED if refused else 0)


def _id(result: StepResult) -> str:
    return result.id


def _uri(result: StepResult) -> str:
    return result.uri


def _scores(result: StepResult) -> str:
    return "\n".join([f"run {result.id}", *score_lines(result.details)])


def _verdict(result: StepResult) -> str:
    details = result.details
    heading = f"pass: {result.id} may be promoted to {details['name']}"
    if not details["passed"]:
        heading = f"refused: {result.id}"
    lines = [*(f"  - {reason}" for reason in details["reasons"]), *(f"  note: {note}" for note in details["notes"])]
    return "\n".join([heading, *lines])


def _promotion(result: StepResult) -> str:
    details = result.details
    if result.skipped:
        return f"{details['name']}: {details['live']} is live already"
    return f"{details['name']}: was {details['was'] or 'nothing'}, is {details['live']}"


def _anchors(result: StepResult) -> str:
    held_to = ", ".join(f"{score}: {generator}" for score, generator in result.details["anchors"].items())
    return f"{result.details['name']}: new generators are held to {held_to}"


def _rescored(result: StepResult) -> str:
    details = result.details
    live = [f"live: {result.id}", *score_lines(details)] if details["why_not"] is None else []
    live = live or [f"not measured: {details['why_not']}"]
    others = [f"  measured too: {each}" for each in details.get("measured", ()) if each != result.id]
    not_measured = details.get("not_measured", {}).items()
    others += [f"  not measured: {each}: {why}" for each, why in not_measured if each != result.id]
    return "\n".join([*live, *others])


TEXTS: dict[str, Callable[[StepResult], str]] = {
    "evaluate": _scores,
    "gate": _verdict,
    "anchor": _anchors,
    "remeasure": _rescored,
    "promote": _promotion,
    "rollback": _promotion,
    "directions": direction_table,
    "sample": _uri,
    "report": _uri,
}


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


def garbage_table(details: Json) -> str:
    """A line for each object with its size and why it goes, and the total; then the unreadable records."""
    rows = [(each["kind"], each["id"], format_bytes(each["bytes"]), each["why"]) for each in details["trash"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {bytes_:>{widths[2]}}  {why}" for kind, name, bytes_, why in rows
    ]
    total = f"{len(rows)} objects, {format_bytes(details['bytes'])}"
    if not rows:
        lines.append("nothing to delete")
    elif details["deleted"]:
        lines.append(f"deleted: {total}")
    else:
        lines.append(f"would delete: {total}; to delete them, run the same command with --delete")
    if details["unreadable"]:
        lines += ["kept everything that these may refer to, because they can't be read:", *details["unreadable"]]
    return "\n".join(lines)
