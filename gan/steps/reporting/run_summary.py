"""The outcome of a pipeline run, from the results of its steps."""

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
    """What ended a run early. `step` is empty and `exit_code` None if they are not on record."""

    step: str
    error: str
    exit_code: int | None = None


def from_attempts(attempts: Sequence[ExecutionAttempt], *, but: str) -> tuple[dict[str, StepResult], Failure | None]:
    """The result of each step of an execution, and the last failure that no retry made good.

    Args:
        attempts: from `gan.store.records.executions.read`.
        but: the calling step, which is not over yet.
    """
    last = {(each.step, each.task): each for each in attempts if each.step != but}
    results: dict[str, StepResult] = {}
    failure = None
    for attempt in sorted(last.values(), key=lambda each: each.ended_at or each.began_at):
        if attempt.state == executions.DONE:
            results[attempt.step] = StepResult(**(attempt.outcome or {"id": "", "uri": ""}))
        else:
            failure = Failure(attempt.step, attempt.error or _unreported(attempt), attempt.exit_code)
    return results, failure


def notification(
    name: str,
    store: str,
    execution: str,
    results: Mapping[str, StepResult],
    failure: Failure | None,
    live: str | None,
    kubeflow_message: str = "",
) -> Notification:
    """The content of a message about a run of the retraining pipeline, which is complete once its last step is done.

    Args:
        name: the promoted name.
        store: the store's URI.
        execution: Kubeflow's id of the run; empty outside Kubeflow.
        results: the results of the steps that are done, by name.
        failure: of a step; None if none recorded one.
        live: the generator that is live now.
        kubeflow_message: Kubeflow's error message, used if no step recorded a failure.
    """
    details = {step: result.details for step, result in results.items()}
    if "report" in details or details.get("decide", {}).get("train") is False:
        failure = None
        event, reasons = _event(details)
    else:
        failure = failure or Failure("", _no_step_error(results, kubeflow_message))
        event, reasons = FAILED, [failure.error]
    scored, before = details.get("evaluate", {}), details.get("remeasure", {})
    return Notification(
        event=event,
        name=name,
        store=store,
        execution=execution,
        step=failure.step if failure else "",
        exit_code=failure.exit_code if failure else None,
        reasons=tuple(map(str, reasons)),
        run_id=_id(results, "train"),
        generator_id=_id(results, "export"),
        live=live or "",
        label=str(scored.get("label", "")),
        fid=_fid(scored),
        live_fid=_fid(before),
        report=results["report"].uri if "report" in results else "",
        health=_health(details.get("train", {})),
    )


def _event(details: Mapping[str, Json]) -> tuple[str, Sequence[str]]:
    """The event and reasons of a complete run."""
    decided = details.get("decide", {})
    if decided.get("train") is False:
        return NOTHING_NEW, decided["reasons"]
    if "promote" in details:
        return PROMOTED, decided.get("reasons", [])
    return REFUSED, details.get("gate", {}).get("reasons", [])


def _no_step_error(results: Mapping[str, StepResult], kubeflow_message: str) -> str:
    """For a step that never began: its image could not be pulled, its pod was not scheduled, its driver failed."""
    where = f"after {list(results)[-1]}" if results else "before any step began"
    reason = f": {kubeflow_message}" if kubeflow_message else ""
    return f"it ended {where}, and no step says why{reason}; see gan-pipelines status"


def _unreported(attempt: ExecutionAttempt) -> str:
    if attempt.state == executions.RUNNING:
        return "it was killed outright: out of memory, its pod deleted by force, or its node lost"
    return f"its last attempt is {attempt.state}"


def _health(trained: Json) -> tuple[str, ...]:
    """What was wrong with the training; an earlier version recorded nothing."""
    problems = [str(each) for each in trained.get("problems", [])]
    if times := trained.get("rollbacks"):
        problems.append(f"returned to a healthy checkpoint {times} time{'s' * (times > 1)}")
    return tuple(problems)


def _id(results: Mapping[str, StepResult], step: str) -> str:
    return results[step].id if step in results else ""


def _fid(details: Json) -> float | None:
    scores = details.get("scores")
    return None if not scores else float(scores["fid"]["value"])
