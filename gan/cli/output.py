"""The text and exit code for a step's result, the same in both programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan.cli.direction_table import direction_table
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


def to_output(step: str, outcome: StepResult) -> CommandOutput:
    """The output for the result of a step. For most steps the text is only the id, for scripts."""
    refused = step == "gate" and not outcome.details["passed"]
    return CommandOutput(TEXTS.get(step, _id)(outcome), outcome.to_dict(), EXIT_REFUSED if refused else 0)


def _id(outcome: StepResult) -> str:
    return outcome.id


def _uri(outcome: StepResult) -> str:
    return outcome.uri


def _scores(outcome: StepResult) -> str:
    return "\n".join([f"run {outcome.id}", *score_lines(outcome.details)])


def _verdict(outcome: StepResult) -> str:
    details = outcome.details
    heading = f"pass: {outcome.id} may be promoted to {details['name']}"
    if not details["passed"]:
        heading = f"refused: {outcome.id}"
    lines = [*(f"  - {reason}" for reason in details["reasons"]), *(f"  note: {note}" for note in details["notes"])]
    return "\n".join([heading, *lines])


def _promotion(outcome: StepResult) -> str:
    details = outcome.details
    if outcome.skipped:
        return f"{details['name']}: {details['live']} is live already"
    return f"{details['name']}: was {details['was'] or 'nothing'}, is {details['live']}"


def _anchors(outcome: StepResult) -> str:
    held_to = ", ".join(f"{score}: {generator}" for score, generator in outcome.details["anchors"].items())
    return f"{outcome.details['name']}: new generators are held to {held_to}"


def _rescored(outcome: StepResult) -> str:
    details = outcome.details
    live = [f"live: {outcome.id}", *score_lines(details)] if details["why_not"] is None else []
    live = live or [f"not measured: {details['why_not']}"]
    others = [f"  measured too: {each}" for each in details.get("measured", ()) if each != outcome.id]
    not_measured = details.get("not_measured", {}).items()
    others += [f"  not measured: {each}: {why}" for each, why in not_measured if each != outcome.id]
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
