"""What a run tells at its end: the steps with their times, the scores, the verdict, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from components.catalogue import STEPS
from gan.cli.scores import score_lines
from gan.steps.outcome import Outcome
from gan.types import Json
from pipelines.conductor import StepRun
from pipelines.display import state_of
from pipelines.request import Request
from pipelines.retraining import ORDER


def text(request: Request, runs: Sequence[StepRun], seconds: float) -> str:
    """The end of a whole run, for people."""
    outcomes = _outcomes(runs)
    if "gate" not in outcomes:
        return "\n\n".join([_steps(runs, seconds), _nothing_new(request, outcomes)])
    parts = [
        _steps(runs, seconds),
        "\n".join(score_lines(outcomes["evaluate"].details)),
        _verdict(request, outcomes),
        f"report:  {outcomes['report'].uri}\nsample:  {sample_command(request, outcomes)}",
    ]
    return "\n\n".join(parts)


def record(request: Request, runs: Sequence[StepRun], seconds: float) -> Json:
    """The end of a whole run, for programs: one flat JSON object."""
    outcomes = _outcomes(runs)
    if "gate" not in outcomes:
        decided = outcomes["decide"]
        return {
            "id": decided.id,
            "uri": decided.uri,
            "seconds": round(seconds, 3),
            "dataset_id": outcomes["preprocess"].id,
            "trained": False,
            "reasons": decided.details["reasons"],
            "promoted": None,
            "steps": _step_records(runs),
        }
    evaluated, judged = outcomes["evaluate"].details, outcomes["gate"].details
    return {
        "id": outcomes["train"].id,
        "uri": outcomes["report"].uri,
        "seconds": round(seconds, 3),
        "dataset_id": outcomes["preprocess"].id,
        "reference_id": outcomes["reference"].id,
        "generator_id": outcomes["export"].id,
        "checkpoint": evaluated["step"],
        "label": evaluated["label"],
        "scores": evaluated["scores"],
        "real": evaluated["real"],
        "passed": judged["passed"],
        "reasons": judged["reasons"],
        "promoted": request.name if "promote" in outcomes else None,
        "sample": sample_command(request, outcomes),
        "steps": _step_records(runs),
    }


def sample_command(request: Request, outcomes: dict[str, Outcome]) -> str:
    """The command that draws pictures with the generator of this run."""
    which = ["--name", request.name] if "promote" in outcomes else ["--generator-id", outcomes["export"].id]
    return shlex.join(["gan", "sample", *which, "--store", request.store.uri, "--out", f"{request.name}.png"])


def _step_records(runs: Sequence[StepRun]) -> list[Json]:
    return [
        {"step": run.step, "seconds": run.seconds, "skipped": run.outcome.skipped, "id": run.outcome.id} for run in runs
    ]


def _steps(runs: Sequence[StepRun], seconds: float) -> str:
    done = {run.step: run for run in runs}
    why_not = "the gate refused" if "gate" in done else "nothing new"
    lines = []
    for step in ORDER if "decide" in done else STEPS:
        if step in done:
            run = done[step]
            lines.append(f"{step:<12}{run.seconds:>7.1f} s  {state_of(0, run.outcome):<22}{run.outcome.id}")
        else:
            lines.append(f"{step:<12}{'-':>7}    not run: {why_not}")
    return "\n".join([*lines, f"{'altogether':<12}{seconds:>7.1f} s"])


def _verdict(request: Request, outcomes: dict[str, Outcome]) -> str:
    generator = outcomes["export"].id
    if "promote" in outcomes:
        was = outcomes["promote"].details.get("was")
        before = f"; before it: {was}" if was and was != generator else ""
        return f'promoted: {generator} is live under the name "{request.name}"{before}'
    reasons = "\n".join(f"  - {reason}" for reason in outcomes["gate"].details["reasons"])
    return f'refused: {generator} was not promoted to "{request.name}"\n{reasons}'


def _nothing_new(request: Request, outcomes: dict[str, Outcome]) -> str:
    reasons = "\n".join(f"  - {reason}" for reason in outcomes["decide"].details["reasons"])
    return f'nothing new: nothing was trained for "{request.name}"\n{reasons}'


def _outcomes(runs: Sequence[StepRun]) -> dict[str, Outcome]:
    return {run.step: run.outcome for run in runs}
