"""Points of a search space, from Optuna's samplers and the scores of earlier points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gan.config.space import Point, is_whole
from gan.config.sweep import Sweep
from gan.errors import ConfigError
from gan.util.ids import content_hash

TRIES_PER_POINT = 20


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
