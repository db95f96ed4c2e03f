"""A sweep: many runs of one experiment, at several points and seeds, of which the best ones train on.

Trials are scheduled in stages: first each wave of the first rung, then one stage for each further rung. Nothing is
trained twice: a run resumes from its checkpoint at the rung before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gan import build
from gan.errors import DivergedError, NotFoundError
from gan.metrics.registry import metric_of
from gan.result import StepResult, Stopwatch, plain
from gan.steps.evaluate import evaluate, evaluate_for_selection
from gan.steps.sweep.experiment import Experiment, Trial
from gan.steps.sweep.points import points_of_stage, ranked, table
from gan.steps.train import train
from gan.store import layout
from gan.types import Json
from gan.util import log


def schedule_trials(experiment: Experiment, stage: int) -> StepResult:
    """Schedule the trials of a stage.

    Returns:
        The sweep's id; details: `trials`, each {"point", "seed", "steps"}. `skipped` if they were scheduled before.

    Raises:
        ConfigError: a point contradicts itself, such as a loss with a key that it does not use.
        NotFoundError: a trial of an earlier stage has not ended.
        DivergedError: every point has diverged.
        IntegrityError: a record of the sweep is damaged.
    """
    watch = Stopwatch()
    try:
        return _stage_result(experiment, stage, experiment.stage(stage), watch, skipped=True)
    except NotFoundError:
        pass
    sweep = experiment.sweep
    steps = sweep.rungs[sweep.rung_of(stage)]
    points = points_of_stage(experiment, stage)
    for point in points:
        build.check_config(experiment.config_of(Trial(point, sweep.seeds[0], steps)))
    trials = [Trial(point, seed, steps) for point in points for seed in sweep.seeds]
    experiment.record_stage(stage, trials)
    log.info(f"stage {stage + 1} of {sweep.stages} of sweep {experiment.id}", points=len(points), to_step=steps)
    return _stage_result(experiment, stage, trials, watch)


def run_trial(experiment: Experiment, trial: Trial) -> StepResult:
    """Train a trial to its rung and score it. One that diverges is eliminated, without an error.

    Returns:
        The run's id; details: the trial, `score` ("inf" if it diverged) and `reason`. `skipped` if it ended before.

    It raises what `gan.steps.train.train` and `gan.steps.evaluate.evaluate` raise, but for `DivergedError`.
    """
    watch = Stopwatch()
    try:
        return _trial_result(experiment, trial, watch, skipped=True)
    except NotFoundError:
        pass
    run_id = experiment.run_id(trial.point, trial.seed)
    try:
        train(experiment.store, experiment.config_of(trial), experiment.dataset_id, run_id=run_id)
        experiment.record_result(trial, _score(experiment, run_id, trial.steps))
    except DivergedError as error:
        log.warning("the trial is eliminated", reason=str(error))
        experiment.record_result(trial, math.inf, str(error))
    return _trial_result(experiment, trial, watch)


def _score(experiment: Experiment, run_id: str, steps: int) -> float:
    """The score that trials are compared by. At the last rung the final scores are measured too."""
    store, reference_id, by = experiment.store, experiment.reference_id, experiment.sweep.by
    if steps == experiment.sweep.rungs[-1]:
        evaluate(store, run_id, reference_id, checkpoint=str(steps))
    scored = evaluate_for_selection(store, run_id, reference_id, checkpoint=str(steps), metrics=(metric_of(by),))
    return float(scored["scores"][by]["value"])


def select_best(experiment: Experiment) -> StepResult:
    """The best run of a sweep whose trials have all ended.

    Returns:
        The run's id; details: `checkpoint`, `point`, `seed`, `score`, `by`, and `table`, the mean score of each point
        at the last rung it reached, the best first.

    Raises:
        NotFoundError: a trial has not ended.
        DivergedError: every point has diverged.
        IntegrityError: a record of the sweep is damaged.
    """
    watch = Stopwatch()
    sweep = experiment.sweep
    steps = sweep.rungs[-1]
    best = ranked(experiment, experiment.points([sweep.stages - 1]), steps)[0]
    results = [experiment.result(Trial(best, seed, steps)) for seed in sweep.seeds]
    winner = min(results, key=lambda each: (experiment.loss(each["score"]), each["seed"]))
    details: Json = {
        "checkpoint": steps,
        "point": best,
        "seed": winner["seed"],
        "score": winner["score"],
        "by": sweep.by,
        "table": table(experiment),
    }
    log.info(f"the best of sweep {experiment.id}", run_id=winner["run_id"], **{sweep.by: winner["score"]})
    return StepResult(str(winner["run_id"]), experiment.uri, watch.seconds(), details=details)


def _stage_result(
    experiment: Experiment, stage: int, trials: Sequence[Trial], watch: Stopwatch, *, skipped: bool = False
) -> StepResult:
    details: Json = {"stage": stage, "trials": [each.to_json() for each in trials]}
    return StepResult(experiment.id, experiment.uri, watch.seconds(), skipped, details)


def _trial_result(experiment: Experiment, trial: Trial, watch: Stopwatch, *, skipped: bool = False) -> StepResult:
    result = experiment.result(trial)
    run_id = str(result["run_id"])
    details = {**result, "score": plain(result["score"])}
    return StepResult(run_id, experiment.store.uri_of(layout.folder(run_id)), watch.seconds(), skipped, details)
