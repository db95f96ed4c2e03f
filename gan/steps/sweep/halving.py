"""Successive halving: which points of a sweep train on.

Jamieson and Talwalkar, 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
arXiv:1502.07943, algorithm 1: all points train to the first rung, the best 1 / `reduction` of them to the second, and
so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gan.config.space import Point
from gan.errors import DivergedError
from gan.result import plain
from gan.steps.sweep.experiment import Experiment
from gan.types import Json
from gan.util.ids import content_hash


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
    from gan.steps.sweep.search_sampler import draw

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
