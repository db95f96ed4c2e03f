"""What came of a run of a pipeline, from how its steps ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gan.report.message import FAILED, NOTHING_NEW, PROMOTED, REFUSED, Notification
from gan.result import StepResult
from gan.store.records import executions
from gan.store.records.executions import ExecutionAttempt
from gan.types import Json


@dataclass(frozen=True)
class Failure:
    """What ended a run before its time. `step` is empty and `exit_code` None where nobody put them on record."""

    step: str
    error: str
    exit_code: int | None = None


def from_ledger(attempts: Sequence[ExecutionAttempt], *, but: str) -> tuple[dict[str, StepResult], Failure | None]:
    """The outcome of each step of an execution, and the last failure that no later attempt made good.

    Args:
        attempts: what `gan.store.records.executions.read` gave.
        but: the step that asks, which is not over yet.
    """
    last = {(each.step, each.task): each for each in attempts if each.step != but}
    outcomes: dict[str, StepResult] = {}
    failure = None
    for attempt in sorted(last.values(), key=lambda each: each.ended_at or each.began_at):
        if attempt.state == executions.DONE:
            outcomes[attempt.step] = StepResult(**(attempt.outcome or {"id": "", "uri": ""}))
        else:
            failure = Failure(attempt.step, attempt.error or _silent(attempt), attempt.exit_code)
    return outcomes, failure


def facts(
    name: str,
    store: str,
    execution: str,
    outcomes: Mapping[str, StepResult],
    failure: Failure | None,
    live: str | None,
    words: str = "",
) -> Notification:
    """What a message may say of a run of the retraining pipeline.

    It came to its end if its last step is done, whatever else went wrong on the way.

    Args:
        name: the promoted name.
        store: the store's URI.
        execution: Kubeflow's id of the run, empty where there is none.
        outcomes: of the steps that are done, by name.
        failure: of a step; None where none failed by its own account.
        live: the generator that is live now.
        words: what Kubeflow says of a failure, should no step say anything.
    """
    told = {step: outcome.details for step, outcome in outcomes.items()}
    if "report" in told or told.get("decide", {}).get("train") is False:
        failure = None
        event, reasons = _event(told)
    else:
        failure = failure or Failure("", _unexplained(outcomes, words))
        event, reasons = FAILED, [failure.error]
    scored, before = told.get("evaluate", {}), told.get("remeasure", {})
    return Notification(
        event=event,
        name=name,
        store=store,
        execution=execution,
        step=failure.step if failure else "",
        exit_code=failure.exit_code if failure else None,
        reasons=tuple(map(str, reasons)),
        run_id=_id(outcomes, "train"),
        generator_id=_id(outcomes, "export"),
        live=live or "",
        label=str(scored.get("label", "")),
        fid=_fid(scored),
        live_fid=_fid(before),
        report=outcomes["report"].uri if "report" in outcomes else "",
    )


def _event(told: Mapping[str, Json]) -> tuple[str, Sequence[str]]:
    """Of a run that came to its end."""
    decided = told.get("decide", {})
    if decided.get("train") is False:
        return NOTHING_NEW, decided["reasons"]
    if "promote" in told:
        return PROMOTED, decided.get("reasons", [])
    return REFUSED, told.get("gate", {}).get("reasons", [])


def _unexplained(outcomes: Mapping[str, StepResult], words: str) -> str:
    """A step that never began: its image could not be pulled, its pod found no place, its driver failed."""
    where = f"after {list(outcomes)[-1]}" if outcomes else "before any step began"
    return f"it ended {where}, and no step says why{f': {words}' if words else ''}; see gan-pipelines status"


def _silent(attempt: ExecutionAttempt) -> str:
    if attempt.state == executions.RUNNING:
        return "it was killed outright: out of memory, its pod deleted by force, or its node lost"
    return f"its last attempt is {attempt.state}"


def _id(outcomes: Mapping[str, StepResult], step: str) -> str:
    return outcomes[step].id if step in outcomes else ""


def _fid(details: Json) -> float | None:
    scores = details.get("scores")
    return None if not scores else float(scores["fid"]["value"])
