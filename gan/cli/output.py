"""The text and exit code for a step's result, the same in both programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan.cli.scores import score_lines
from gan.errors import EXIT_REFUSED
from gan.result import StepResult
from gan.types import Json


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
    "sample": _uri,
    "report": _uri,
}
