"""From a budget to a plan: the number of steps, and how often to save, draw and log.

    steps = the budget's seconds / seconds per step, measured on this machine; or its images / real images of a step

Schedules without a length get that of the plan, so that learning rates end with the last step. A half-life of the
moving average stays the same share of the training as in the config. Widths and the batch size stay: a rule for them
would have to be fitted to trainings of several lengths.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from gan.config import Config, parse_budget
from gan.errors import ConfigError
from gan.train.run import PLANNED, Run
from gan.util import log
from gan.util.formatting import format_number

SAVED = 6
"""How many checkpoints a plan has, besides twice as many sample grids and at least ten times as many log entries."""


def planned(run: Run, seconds_per_step: Callable[[str], float]) -> Run:
    """A new run with the plan of its budget; the run itself if it has none.

    Args:
        run: the run; its precision is resolved, not `auto`.
        seconds_per_step: measures a training step in a precision; called only for a budget of time.

    Raises:
        ConfigError: the budget is too small for a single step.
    """
    if run.config.train.budget is None:
        return run
    budget = parse_budget(run.config.train.budget)
    images_per_step = run.config.train.batch_size * run.config.train.discriminator_steps
    if budget.images is not None:
        steps = budget.images // images_per_step
    else:
        assert budget.seconds is not None  # noqa: S101  a budget has one of them
        steps = int(budget.seconds / seconds_per_step(run.precision))
    if steps < 1:
        raise ConfigError(f'train.budget="{run.config.train.budget}" is too small for a single step of these networks')
    images = format_number(steps * images_per_step)
    made = with_steps(run.config, steps)
    before, after = dataclasses.asdict(run.config.train), dataclasses.asdict(made.train)
    replaced = {f"train.{name}": f"{before[name]} -> {after[name]}" for name in PLANNED if before[name] != after[name]}
    log.info(f"a budget of {run.config.train.budget} is planned as {steps} steps", images=images, replaced=replaced)
    return dataclasses.replace(run, config=made)


def with_steps(config: Config, steps: int) -> Config:
    """`config` of another length, with what depends on it."""
    train = config.train
    changed: dict[str, Any] = {
        "steps": steps,
        "checkpoint_every_steps": max(1, -(-steps // SAVED)),
        "sample_every_steps": max(1, -(-steps // (2 * SAVED))),
        "log_every_steps": max(1, min(train.log_every_steps, -(-steps // (10 * SAVED)))),
    }
    if train.ema_half_life_images is not None:
        changed["ema_half_life_images"] = max(1.0, round(train.ema_half_life_images * steps / train.steps))
    return dataclasses.replace(config, train=dataclasses.replace(train, **changed))
