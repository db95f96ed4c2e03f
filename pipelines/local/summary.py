"""What a run tells at its end: the steps with their times, the scores, the verdict, and what to do next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from components.registry import STEPS
from gan.cli.scores import score_lines
from gan.result import StepResult
from gan.types import Json
from pipelines.dags import retraining, sweep
from pipelines.local.display import state_of
from pipelines.local.local_runner import StepRun
from pipelines.request import RunRequest


def text(request: RunRequest, runs: Sequence[StepRun], seconds: float) -> str:
    """The end of a whole run, for people."""
    outcomes = _outcomes(runs)
    if "gate" not in outcomes:
        return "\n\n".join([_steps(runs, seconds), _nothing_new(request, outcomes)])
    parts = [
        _steps(runs, seconds),
        "\n".join(_sweep_lines(outcomes) if "choose" in outcomes else score_lines(outcomes["evaluate"].details)),
        _verdict(request, outcomes),
        f"report:  {outcomes['report'].uri}\nsample:  {sample_command(request, outcomes)}",
    ]
    return "\n\n".join(parts)


def record(request: RunRequest, runs: Sequence[StepRun], seconds: float) -> Json:
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
    judged = outcomes["gate"].details
    return {
        "id": outcomes["choose" if "choose" in outcomes else "train"].id,
        "uri": outcomes["report"].uri,
        "seconds": round(seconds, 3),
        "dataset_id": outcomes["preprocess"].id,
        "reference_id": outcomes["reference"].id,
        "generator_id": outcomes["export"].id,
        **_scores(outcomes),
        "passed": judged["passed"],
        "reasons": judged["reasons"],
        "promoted": request.name if "promote" in outcomes else None,
        "sample": sample_command(request, outcomes),
        "steps": _step_records(runs),
    }


def _scores(outcomes: dict[str, StepResult]) -> Json:
    """The scores of the checkpoint that was exported; of a sweep, what every point reached as well."""
    if "choose" in outcomes:
        return outcomes["choose"].details
    evaluated = outcomes["evaluate"].details
    return {"checkpoint": evaluated["step"], **{name: evaluated[name] for name in ("label", "scores", "real")}}


def _sweep_lines(outcomes: dict[str, StepResult]) -> list[str]:
    """What each point of a sweep reached, the best first."""
    chosen = outcomes["choose"].details
    rows = [
        f"  step {row['steps']:>7}  {chosen['by']} {row['score']:<10.4g} {json.dumps(row['point'])}"
        for row in chosen["table"]
    ]
    return [f"best: run {outcomes['choose'].id}, seed {chosen['seed']}", *rows]


def sample_command(request: RunRequest, outcomes: dict[str, StepResult]) -> str:
    """The command that draws pictures with the generator of this run."""
    which = ["--name", request.name] if "promote" in outcomes else ["--generator-id", outcomes["export"].id]
    return shlex.join(["gan", "sample", *which, "--store", request.store.uri, "--out", f"{request.name}.png"])


def _step_records(runs: Sequence[StepRun]) -> list[Json]:
    return [
        {"step": run.step, "seconds": run.seconds, "skipped": run.outcome.skipped, "id": run.outcome.id} for run in runs
    ]


def _steps(runs: Sequence[StepRun], seconds: float) -> str:
    ran = {run.step for run in runs}
    order = retraining.ORDER if "decide" in ran else sweep.ORDER if "choose" in ran else STEPS
    why_not = "the gate refused" if "gate" in ran else "nothing new"
    lines = []
    for step in order:
        lines += [_line(run) for run in runs if run.step == step]
        lines += [f"{step:<12}{'-':>7}    not run: {why_not}"] if step not in ran else []
    return "\n".join([*lines, f"{'altogether':<12}{seconds:>7.1f} s"])


def _line(run: StepRun) -> str:
    return f"{run.step:<12}{run.seconds:>7.1f} s  {state_of(0, run.outcome):<22}{run.outcome.id}"


def _verdict(request: RunRequest, outcomes: dict[str, StepResult]) -> str:
    generator = outcomes["export"].id
    if "promote" in outcomes:
        was = outcomes["promote"].details.get("was")
        before = f"; before it: {was}" if was and was != generator else ""
        notes = "".join(f"\n  note: {note}" for note in outcomes["gate"].details.get("notes", ()))
        return f'promoted: {generator} is live under the name "{request.name}"{before}{notes}'
    reasons = "\n".join(f"  - {reason}" for reason in outcomes["gate"].details["reasons"])
    return f'refused: {generator} was not promoted to "{request.name}"\n{reasons}'


def _nothing_new(request: RunRequest, outcomes: dict[str, StepResult]) -> str:
    reasons = "\n".join(f"  - {reason}" for reason in outcomes["decide"].details["reasons"])
    return f'nothing new: nothing was trained for "{request.name}"\n{reasons}'


def _outcomes(runs: Sequence[StepRun]) -> dict[str, StepResult]:
    return {run.step: run.outcome for run in runs}
