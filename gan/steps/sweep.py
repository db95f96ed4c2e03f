"""A sweep: many runs of one experiment, at several points and seeds, of which the better ones train on.

Successive halving (Jamieson and Talwalkar, 2016, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", arXiv:1502.07943, algorithm 1): all points train to the first rung, the better 1 / `reduction` of them
to the second, and so on. Nothing is trained twice: a run goes on from its checkpoint at the rung before.

sweeps/<sweep_id>/stages/<stage>.json     the trials that were handed out
sweeps/<sweep_id>/results/<trial>.json    how one of them ended
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from gan import build
from gan.config import Config, from_yaml
from gan.config.sweep import Point, Sweep, at
from gan.config.sweep import from_yaml as sweep_from_yaml
from gan.console import say, warn
from gan.errors import DivergedError, NotFoundError
from gan.ids import content_hash
from gan.steps.evaluate import evaluate
from gan.steps.outcome import Outcome, Stopwatch
from gan.steps.train import train
from gan.store import Store, open_store
from gan.store.document import read_sealed, write_sealed
from gan.types import Json

REMEDY = "delete it; the sweep then makes it again"


@dataclass(frozen=True)
class Trial:
    """One training run up to one rung: `point` with `seed`, to `steps`."""

    point: Point
    seed: int
    steps: int

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


class Experiment:
    """An experiment under a sweep: where its records lie, and what it has found so far.

    Args:
        store: where everything is.
        config: the experiment.
        sweep: what to try.
        dataset_id: what is trained on.
        reference_id: what is scored against.

    Raises:
        ConfigError: the sweep asks for a value that its key does not take.
    """

    def __init__(self, store: Store, config: Config, sweep: Sweep, dataset_id: str, reference_id: str) -> None:
        sweep.check(config)
        self.store, self.config, self.sweep = store, config, sweep
        self.dataset_id, self.reference_id = dataset_id, reference_id
        tree = {**config.to_dict(), "gate": None, "retrain": None}  # what comes after the sweep changes no trial
        self.id = f"{config.name}-{content_hash([tree, sweep.to_dict(), dataset_id, reference_id])}"

    def run_id(self, point: Point, seed: int) -> str:
        """The run that trains a point with a seed, at every rung."""
        return f"{self.config.name}-{content_hash([self.id, point, seed])}"

    def stage(self, number: int) -> list[Trial]:
        """The trials of a stage that was handed out.

        Raises:
            NotFoundError: it was not.
            IntegrityError: its record is damaged.
        """
        tree = read_sealed(self.store, self._stage_key(number), keys=("trials",), remedy=REMEDY)
        return [Trial(**each) for each in tree["trials"]]

    def hand_out(self, number: int, trials: Sequence[Trial]) -> None:
        """Put the trials of a stage on record."""
        write_sealed(self.store, self._stage_key(number), {"trials": [each.to_json() for each in trials]})

    def result(self, trial: Trial) -> Json:
        """How a trial ended: `score` (infinite for one that diverged), `run_id`, `reason`, and the trial itself.

        Raises:
            NotFoundError: it has not ended.
            IntegrityError: its record is damaged.
        """
        tree = read_sealed(self.store, self._result_key(trial), keys=("score", "run_id"), remedy=REMEDY)
        return {**tree, "score": float(tree["score"])}

    def note(self, trial: Trial, score: float, reason: str = "") -> None:
        """Put on record how a trial ended."""
        tree = {**trial.to_json(), "run_id": self.run_id(trial.point, trial.seed), "reason": reason}
        write_sealed(self.store, self._result_key(trial), {**tree, "score": str(score)})

    def _stage_key(self, number: int) -> str:
        return f"sweeps/{self.id}/stages/{number:03d}.json"

    def _result_key(self, trial: Trial) -> str:
        return f"sweeps/{self.id}/results/{content_hash(trial.to_json())}.json"


def experiment(store: str, config: str, sweep: str, dataset_id: str, reference_id: str) -> Experiment:
    """An experiment from what a pipeline passes to its steps: the store's URI, and config and sweep as YAML.

    Raises:
        ConfigError: one of them is wrong.
    """
    return Experiment(open_store(store), from_yaml(config), sweep_from_yaml(sweep), dataset_id, reference_id)


def propose(experiment: Experiment, stage: int) -> Outcome:
    """Hand out the trials of a stage: first each wave of the first rung, then one stage for each further rung.

    Returns:
        The sweep's id; details: `trials`, each {"point", "seed", "steps"}. `skipped` where they were handed out before.

    Raises:
        ConfigError: a point does not fit itself, such as a loss with a key that means nothing to it.
        NotFoundError: a trial of an earlier stage has not ended.
        DivergedError: every point has diverged.
    """
    watch = Stopwatch()
    try:
        return _handed_out(experiment, stage, experiment.stage(stage), watch, skipped=True)
    except NotFoundError:
        pass
    sweep = experiment.sweep
    waves = sweep.stages - len(sweep.rungs) + 1
    rung = max(stage - waves + 1, 0)
    points = _fresh_points(experiment, stage, waves) if rung == 0 else _better_points(experiment, rung, waves)
    for point in points:
        build.check_config(at(experiment.config, point, sweep.seeds[0], sweep.rungs[rung]))
    trials = [Trial(point, seed, sweep.rungs[rung]) for point in points for seed in sweep.seeds]
    experiment.hand_out(stage, trials)
    say(f"stage {stage + 1} of {sweep.stages} of sweep {experiment.id}", points=len(points), to_step=sweep.rungs[rung])
    return _handed_out(experiment, stage, trials, watch)


def run_trial(experiment: Experiment, trial: Trial) -> Outcome:
    """Train a trial to its rung and score it. One that diverges is out, and no error.

    Returns:
        The run's id; details: the trial, `score` and `reason`. `skipped` where it ended before.

    Raises:
        See `gan.steps.train.train` and `gan.steps.evaluate.evaluate`.
    """
    watch = Stopwatch()
    try:
        return _ended(experiment, trial, watch, skipped=True)
    except NotFoundError:
        pass
    run_id = experiment.run_id(trial.point, trial.seed)
    config = at(experiment.config, trial.point, trial.seed, trial.steps)
    try:
        train(experiment.store, config, experiment.dataset_id, run_id=run_id)
        scored = evaluate(experiment.store, run_id, experiment.reference_id, checkpoint=str(trial.steps))
        experiment.note(trial, float(scored.details["scores"][experiment.sweep.by]["value"]))
    except DivergedError as error:
        warn("the trial is out", reason=str(error))
        experiment.note(trial, math.inf, str(error))
    return _ended(experiment, trial, watch)


def choose(experiment: Experiment) -> Outcome:
    """The best run of a sweep whose trials have all ended.

    Returns:
        The run's id; details: `checkpoint`, `point`, `seed`, `score`, and `table`, the mean score of each point at the
        last rung that it reached, the best first.

    Raises:
        NotFoundError: a trial has not ended.
        DivergedError: every point has diverged.
    """
    watch = Stopwatch()
    sweep = experiment.sweep
    last = _points_of(experiment, [sweep.stages - 1])
    best = _ranked(experiment, last, sweep.rungs[-1])[0]
    results = [experiment.result(Trial(best, seed, sweep.rungs[-1])) for seed in sweep.seeds]
    winner = min(results, key=lambda each: (each["score"], each["seed"]))
    details: Json = {
        "checkpoint": sweep.rungs[-1],
        "point": best,
        "seed": winner["seed"],
        "score": winner["score"],
        "by": sweep.by,
        "table": _table(experiment),
    }
    say(f"the best of sweep {experiment.id}", run_id=winner["run_id"], **{sweep.by: winner["score"]})
    uri = experiment.store.uri_of(f"sweeps/{experiment.id}")
    return Outcome(str(winner["run_id"]), uri, watch.seconds(), details=details)


def _fresh_points(experiment: Experiment, wave: int, waves: int) -> list[Point]:
    sweep = experiment.sweep
    if not sweep.search:
        return sweep.grid_points()
    from gan.steps.sampler import draw

    before = _points_of(experiment, range(wave))
    known = [(point, _mean(experiment, point, sweep.rungs[0])) for point in before]
    count = sweep.trials * (wave + 1) // waves - sweep.trials * wave // waves
    return draw(sweep, known, count, wave=wave)


def _better_points(experiment: Experiment, rung: int, waves: int) -> list[Point]:
    """The best 1 / `reduction` of the points of the rung before, and at least one."""
    stages = range(waves) if rung == 1 else [waves + rung - 2]
    ranked = _ranked(experiment, _points_of(experiment, stages), experiment.sweep.rungs[rung - 1])
    return ranked[: math.ceil(len(ranked) / experiment.sweep.reduction)]


def _ranked(experiment: Experiment, points: Sequence[Point], steps: int) -> list[Point]:
    """The points that have not diverged, the best first."""
    means = [_mean(experiment, point, steps) for point in points]
    order = [number for number in sorted(range(len(points)), key=means.__getitem__) if math.isfinite(means[number])]
    if not order:
        remedy = "lower the learning rates, or try other losses"
        raise DivergedError(f"every point of sweep {experiment.id} diverged by step {steps}; {remedy}")
    return [points[number] for number in order]


def _mean(experiment: Experiment, point: Point, steps: int) -> float:
    """The mean score of a point over its seeds; infinite if one diverged."""
    scores = [experiment.result(Trial(point, seed, steps))["score"] for seed in experiment.sweep.seeds]
    return math.fsum(scores) / len(scores)


def _points_of(experiment: Experiment, stages: Iterable[int]) -> list[Point]:
    """The points of some stages, each once."""
    trials = itertools.chain.from_iterable(map(experiment.stage, stages))
    return list({content_hash(each.point): each.point for each in trials}.values())


def _table(experiment: Experiment) -> list[Json]:
    """Every point with the last rung that it reached and its mean score there, the best of the highest rung first."""
    reached: dict[str, tuple[Point, int]] = {}
    for stage in range(experiment.sweep.stages):
        for trial in experiment.stage(stage):
            reached[content_hash(trial.point)] = (trial.point, trial.steps)
    rows = [
        {"point": point, "steps": steps, "score": _mean(experiment, point, steps)} for point, steps in reached.values()
    ]
    return sorted(rows, key=lambda row: (-row["steps"], row["score"]))


def _handed_out(
    experiment: Experiment, stage: int, trials: Sequence[Trial], watch: Stopwatch, *, skipped: bool = False
) -> Outcome:
    details: Json = {"stage": stage, "trials": [each.to_json() for each in trials]}
    uri = experiment.store.uri_of(f"sweeps/{experiment.id}")
    return Outcome(experiment.id, uri, watch.seconds(), skipped, details)


def _ended(experiment: Experiment, trial: Trial, watch: Stopwatch, *, skipped: bool = False) -> Outcome:
    result = experiment.result(trial)
    uri = experiment.store.uri_of(f"runs/{result['run_id']}")
    return Outcome(str(result["run_id"]), uri, watch.seconds(), skipped, result)
