"""What a run says at its end: the steps with their times, the scores, the verdict, and what to do next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from components.registry import STEPS
from gan.cli.output import score_lines
from gan.result import StepResult
from gan.types import Json
from gan.util.formatting import format_score
from pipelines.local.display import state_of
from pipelines.local.local_runner import StepRun
from pipelines.registry import PipelineSpec
from pipelines.request import RunRequest

Results = Mapping[str, StepResult]


def text(pipeline: PipelineSpec, request: RunRequest, runs: Sequence[StepRun], seconds: float) -> str:
    """The end of a whole run, for people."""
    results = _results(runs)
    return "\n\n".join([_steps(pipeline, runs, seconds), *_findings(pipeline, request, results)])


def record(pipeline: PipelineSpec, request: RunRequest, runs: Sequence[StepRun], seconds: float) -> Json:
    """The end of a whole run, for programs: one flat JSON object."""
    results = _results(runs)
    common = {"seconds": round(seconds, 3), "steps": [_step_record(run) for run in runs]}
    if not pipeline.checkpoint_from:
        last = runs[-1].result
        made = {STEPS[step].makes: STEPS[step].output(result) for step, result in results.items() if STEPS[step].makes}
        return {"id": last.id, "uri": last.uri, **made, **common}
    common["dataset_id"] = results["preprocess"].id
    if "gate" not in results:
        decided = results["decide"]
        reasons = decided.details["reasons"]
        return {"id": decided.id, "uri": decided.uri, "trained": False, "reasons": reasons, "promoted": None, **common}
    best, judged = results[pipeline.checkpoint_from], results["gate"].details
    return {
        "id": best.id,
        "uri": results["report"].uri,
        "reference_id": results["reference"].id,
        "generator_id": results["export"].id,
        **_scores(pipeline, best),
        "passed": judged["passed"],
        "reasons": judged["reasons"],
        "promoted": request.name if "promote" in results else None,
        "sample": sample_command(request, results),
        **common,
    }


def _findings(pipeline: PipelineSpec, request: RunRequest, results: Results) -> list[str]:
    """What the run found out, in paragraphs."""
    if not pipeline.checkpoint_from:
        lines = [line for step, result in results.items() for line in STEPS[step].summary(result.details)]
        return ["\n".join(lines).strip()] if lines else []
    if "gate" not in results:
        return [_nothing_new(request, results)]
    best = results[pipeline.checkpoint_from]
    return [
        "\n".join(_sweep_lines(best) if pipeline.takes_sweep else score_lines(best.details)),
        _verdict(request, results),
        f"report:  {results['report'].uri}\nsample:  {sample_command(request, results)}",
    ]


def _scores(pipeline: PipelineSpec, best: StepResult) -> Json:
    """The scores of the checkpoint that was exported; of a sweep, what every point reached as well."""
    if pipeline.takes_sweep:
        return best.details
    return {"checkpoint": best.details["step"], **{name: best.details[name] for name in ("label", "scores", "real")}}


def _sweep_lines(best: StepResult) -> list[str]:
    """What each point of a sweep reached, the best first."""
    rows = [
        f"  step {row['steps']:>7}  {best.details['by']} {format_score(row['score']):<10} {json.dumps(row['point'])}"
        for row in best.details["table"]
    ]
    return [f"best: run {best.id}, seed {best.details['seed']}", *rows]


def sample_command(request: RunRequest, results: Results) -> str:
    """The command that samples from the generator of this run."""
    which = ["--name", request.name] if "promote" in results else ["--generator-id", results["export"].id]
    return shlex.join(["gan", "sample", *which, "--store", request.store.uri, "--out", f"{request.name}.png"])


def _step_record(run: StepRun) -> Json:
    return {"step": run.step, "seconds": run.seconds, "skipped": run.result.skipped, "id": run.result.id}


def _steps(pipeline: PipelineSpec, runs: Sequence[StepRun], seconds: float) -> str:
    skipped = pipeline.skipped(_results(runs))
    lines = []
    for step in pipeline.steps:
        lines += [
            f"{step:<12}{run.seconds:>7.1f} s  {state_of(0, run.result):<22}{run.result.id}"
            for run in runs
            if run.step == step
        ]
        lines += [f"{step:<12}{'-':>7}    not run: {skipped[step]}"] if step in skipped else []
    return "\n".join([*lines, f"{'altogether':<12}{seconds:>7.1f} s"])


def _verdict(request: RunRequest, results: Results) -> str:
    generator = results["export"].id
    if "promote" in results:
        was = results["promote"].details.get("was")
        before = f"; before it: {was}" if was and was != generator else ""
        notes = "".join(f"\n  note: {note}" for note in results["gate"].details.get("notes", ()))
        return f'promoted: {generator} is live under the name "{request.name}"{before}{notes}'
    reasons = "\n".join(f"  - {reason}" for reason in results["gate"].details["reasons"])
    return f'refused: {generator} was not promoted to "{request.name}"\n{reasons}'


def _nothing_new(request: RunRequest, results: Results) -> str:
    reasons = "\n".join(f"  - {reason}" for reason in results["decide"].details["reasons"])
    return f'nothing new: nothing was trained for "{request.name}"\n{reasons}'


def _results(runs: Sequence[StepRun]) -> Results:
    return {run.step: run.result for run in runs}
