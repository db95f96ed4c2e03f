"""Which points of a sweep train: those of a grid or from Optuna's samplers, and by successive halving fewer a rung.

Jamieson and Talwalkar, 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
arXiv:1502.07943, algorithm 1: all points train to the first rung, the best 1 / `reduction` of them to the second, and
so on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gan.config.space import Point, is_whole
from gan.config.sweep import Sweep
from gan.errors import ConfigError, DivergedError
from gan.result import plain
from gan.steps.sweep.experiment import Experiment
from gan.types import Json
from gan.util.ids import content_hash

TRIES_PER_POINT = 20


def points_of_stage(experiment: Experiment, stage: int) -> list[Point]:
    """The points that train in a stage: a wave of new ones, or the best ones of the rung before.

    Raises:
        NotFoundError: a trial of an earlier stage has not ended.
        DivergedError: every point has diverged.
    """
    rung = experiment.sweep.rung_of(stage)
    return _new_points(experiment, stage) if rung == 0 else _best_points(experiment, rung)


def ranked(experiment: Experiment, points: Sequence[Point], steps: int) -> list[Point]:
    """The points that have not diverged by a rung, the best first.

    Raises:
        NotFoundError: a trial of one has not ended.
        DivergedError: every point has diverged.
    """
    means = [experiment.loss(experiment.mean(point, steps)) for point in points]
    order = [number for number in sorted(range(len(points)), key=means.__getitem__) if math.isfinite(means[number])]
    if not order:
        remedy = "lower the learning rates, or try other losses"
        raise DivergedError(f"every point of sweep {experiment.id} diverged by step {steps}; {remedy}")
    return [points[number] for number in order]


def table(experiment: Experiment) -> list[Json]:
    """Every point with the last rung it reached and its mean score there, the best of the highest rung first."""
    reached: dict[str, tuple[Point, int]] = {}
    for stage in range(experiment.sweep.stages):
        for trial in experiment.stage(stage):
            reached[content_hash(trial.point)] = (trial.point, trial.steps)
    rows: list[Json] = [
        {"point": point, "steps": steps, "score": experiment.mean(point, steps)} for point, steps in reached.values()
    ]
    ordered = sorted(rows, key=lambda row: (-row["steps"], experiment.loss(row["score"])))
    return [{**row, "score": plain(row["score"])} for row in ordered]


def _new_points(experiment: Experiment, wave: int) -> list[Point]:
    """All points of a grid, or a wave of points from the search sampler."""
    sweep = experiment.sweep
    if not sweep.search:
        return sweep.grid_points()
    from gan.steps.sweep.points import draw

    known = [
        (point, experiment.loss(experiment.mean(point, sweep.rungs[0]))) for point in experiment.points(range(wave))
    ]
    count = sweep.trials * (wave + 1) // sweep.first_stages - sweep.trials * wave // sweep.first_stages
    return draw(sweep, known, count, wave=wave)


def _best_points(experiment: Experiment, rung: int) -> list[Point]:
    """The best 1 / `reduction` of the points of the rung before, and at least one."""
    sweep = experiment.sweep
    before = [stage for stage in range(sweep.stages) if sweep.rung_of(stage) == rung - 1]
    best = ranked(experiment, experiment.points(before), sweep.rungs[rung - 1])
    return best[: math.ceil(len(best) / sweep.reduction)]


def draw(sweep: Sweep, known: Sequence[tuple[Point, float]], count: int, *, wave: int = 0) -> list[Point]:
    """Draw new points; fewer than `count` if a small space is exhausted.

    The same sweep, known points and wave give the same points.

    Args:
        sweep: the space, its sampler and seed.
        known: the points tried so far with their losses, infinite if they diverged.
        count: the number of points to draw.
        wave: the index of the batch.

    Raises:
        ConfigError: Optuna is not installed.
    """
    study, distributions = _study(sweep, wave)
    import optuna

    for point, score in known:
        state = optuna.trial.TrialState.COMPLETE if math.isfinite(score) else optuna.trial.TrialState.FAIL
        value = score if math.isfinite(score) else None
        study.add_trial(optuna.trial.create_trial(params=point, distributions=distributions, value=value, state=state))
    seen = {content_hash(point) for point, _ in known}
    drawn: list[Point] = []
    for _ in range(count * TRIES_PER_POINT):
        point = dict(study.ask(distributions).params)
        if content_hash(point) not in seen:
            seen.add(content_hash(point))
            drawn.append(point)
        if len(drawn) == count:
            break
    return drawn


def _study(sweep: Sweep, wave: int) -> tuple[Any, dict[str, Any]]:
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "sweep.search needs Optuna: `make install` or `pip install optuna` brings it; or give sweep.grid"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = (sweep.sampler_seed + wave * 1_000_003) % 2**31  # a different seed for each wave
    samplers = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    study = optuna.create_study(sampler=samplers[sweep.sampler]())
    return study, {path: _distribution(optuna, path, values) for path, values in sweep.search.items()}


def _distribution(optuna: Any, path: str, values: Any) -> Any:
    if not isinstance(values, Mapping):
        return optuna.distributions.CategoricalDistribution(list(values))
    log, step = bool(values.get("log")), values.get("step")
    if is_whole(path):
        return optuna.distributions.IntDistribution(values["low"], values["high"], log=log, step=step or 1)
    return optuna.distributions.FloatDistribution(float(values["low"]), float(values["high"]), log=log, step=step)
