"""From a budget to a plan: the widths of the networks, the number of steps, and how often to save, draw and log.

The rule, fitted to trainings of MNIST at half, one and two times their time (docs/training.md has the figures):

    images  = the budget in images; or its seconds x images per second at the config's own widths, measured here
    factor  = (images / REFERENCE_IMAGES) ^ WIDTH_EXPONENT, within WIDTH_FACTORS
    widths  = the config's x factor
    steps   = the budget's seconds / seconds per step at the new widths, measured again; or its images / batch size

The batch size stays. Schedules without a length get that of the plan, so that learning rates end with the last step. A
half-life of the moving average stays the same share of the training as in the config.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from gan.config import Config, parse_budget
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.train.run import Run
from gan.train.speed import seconds_per_step
from gan.util import log
from gan.util.formatting import format_number
from gan.util.log import Clock

REFERENCE_IMAGES = 800_000
WIDTH_EXPONENT = 0.25
WIDTH_FACTORS = (0.5, 2.0)
SAVED = 6
"""How many checkpoints a plan has; half as many sample grids lie between them, and ten log entries."""


def planned(run: Run, dataset: Dataset, clock: Clock = time.monotonic) -> Run:
    """A new run with the plan of its budget; the run itself if it has none.

    Raises:
        ConfigError: the budget is too small for a single step.
    """
    if run.config.train.budget is None:
        return run
    budget = parse_budget(run.config.train.budget)
    batch_size = run.config.train.batch_size
    images = budget.images
    if images is None:
        assert budget.seconds is not None  # noqa: S101  a budget has one of them
        images = round(budget.seconds / seconds_per_step(run, dataset, clock) * batch_size)
    run = dataclasses.replace(run, config=with_width_factor(run.config, width_factor(images)))
    if budget.seconds is None:
        steps = images // batch_size
    else:
        steps = int(budget.seconds / seconds_per_step(run, dataset, clock))
    if steps < 1:
        raise ConfigError(f'train.budget="{run.config.train.budget}" is too small for a single step of these networks')
    config = with_steps(run.config, steps)
    log.info(
        f"a budget of {config.train.budget} is planned as {steps} steps",
        images=format_number(steps * batch_size),
        generator_width=config.generator.width,
        discriminator_width=config.discriminator.width,
    )
    return dataclasses.replace(run, config=config)


def width_factor(images: int) -> float:
    """By how much the networks are wider than the config's, for a training on this many images."""
    low, high = WIDTH_FACTORS
    return float(min(max((images / REFERENCE_IMAGES) ** WIDTH_EXPONENT, low), high))


def with_width_factor(config: Config, factor: float) -> Config:
    """`config` with wider networks; widths have two decimals, so that a plan can be read."""
    generator, discriminator = config.generator, config.discriminator
    return dataclasses.replace(
        config,
        generator=dataclasses.replace(generator, width=round(generator.width * factor, 2)),
        discriminator=dataclasses.replace(discriminator, width=round(discriminator.width * factor, 2)),
    )


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
