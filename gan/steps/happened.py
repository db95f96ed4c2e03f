"""What came of a run of a pipeline, from how its steps ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gan.report.message import FAILED, NOTHING_NEW, PROMOTED, REFUSED, Facts
from gan.steps.outcome import Outcome
from gan.store import executions
from gan.store.executions import Attempt
from gan.types import Json


@dataclass(frozen=True)
class Failure:
    """What ended a run before its time. `step` is empty and `exit_code` None where nobody put them on record."""

    step: str
    error: str
    exit_code: int | None = None


def from_ledger(attempts: Sequence[Attempt], *, but: str) -> tuple[dict[str, Outcome], Failure | None]:
    """The outcome of each step of an execution, and the last failure that no later attempt made good.

    Args:
        attempts: what `gan.store.executions.read` gave.
        but: the step that asks, which is not over yet.
    """
    last = {(each.step, each.task): each for each in attempts if each.step != but}
    outcomes: dict[str, Outcome] = {}
    failure = None
    for attempt in sorted(last.values(), key=lambda each: each.ended_at or each.began_at):
        if attempt.state == executions.DONE:
            outcomes[attempt.step] = Outcome(**(attempt.outcome or {"id": "", "uri": ""}))
        else:
            failure = Failure(attempt.step, attempt.error or _silent(attempt), attempt.exit_code)
    return outcomes, failure


def facts(
    name: str, store: str, execution: str, outcomes: Mapping[str, Outcome], failure: Failure | None, live: str | None
) -> Facts:
    """What a message may say of a run.

    Args:
        name: the promoted name.
        store: the store's URI.
        execution: Kubeflow's id of the run, empty where there is none.
        outcomes: of the steps that are done, by name.
        failure: what ended the run; None where it came to its end.
        live: the generator that is live now.
    """
    told = {step: outcome.details for step, outcome in outcomes.items()}
    event, reasons = _event(told)
    if failure is not None:
        event, reasons = FAILED, [failure.error]
    scored, before = told.get("evaluate", {}), told.get("remeasure", {})
    return Facts(
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
    decided, judged = told.get("decide", {}), told.get("gate")
    if "promote" in told:
        return PROMOTED, decided.get("reasons", [])
    if judged is not None and not judged["passed"]:
        return REFUSED, judged["reasons"]
    if decided.get("train") is False:
        return NOTHING_NEW, decided["reasons"]
    return FAILED, ["it ended before the gate had judged, and no step says why"]


def _silent(attempt: Attempt) -> str:
    if attempt.state == executions.RUNNING:
        return "it was killed outright: out of memory, its pod deleted by force, or its node lost"
    return f"its last attempt is {attempt.state}"


def _id(outcomes: Mapping[str, Outcome], step: str) -> str:
    return outcomes[step].id if step in outcomes else ""


def _fid(details: Json) -> float | None:
    scores = details.get("scores")
    return None if not scores else float(scores["fid"]["value"])
