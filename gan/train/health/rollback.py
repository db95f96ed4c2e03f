"""Returns to the last healthy checkpoint: their record, and what they change.

`runs/<run_id>/rollbacks.json` lists them, with a checksum, and is written before a run returns. A checkpoint's record
has the number of rollbacks before it. So a process that is killed at any moment finds out, when it runs again, whether
the last rollback was carried out, and takes the steps that it would have taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan.config import Config
from gan.errors import NotFoundError
from gan.options import keys
from gan.schedules import is_constant
from gan.schedules.interface import Scheduled, ScheduleOptions
from gan.store import Store, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.train.checkpoint.files import Checkpoints
from gan.util.ids import content_hash

COUNT = "rollbacks"
"""The key of a checkpoint's record for the number of rollbacks before it."""

REMEDY = "restore it from a copy, or train under another --run-id"


@dataclass(frozen=True)
class Rollback:
    """One return to a healthy checkpoint.

    `at_step` is the step found ill, `to_step` the step of the checkpoint, 0 for the start; `reason` is the finding. The
    factors are those that hold from then on, relative to the config.
    """

    at_step: int
    to_step: int
    verdict: str
    reason: str
    data_seed: int
    learning_rate_factor: float
    penalty_factor: float


def read(store: Store, run_id: str) -> tuple[Rollback, ...]:
    """The rollbacks of a run, in order.

    Raises:
        IntegrityError: their record is damaged.
    """
    try:
        tree = read_checksummed(store, layout.rollbacks(run_id), keys=("run_id", "rollbacks"), remedy=REMEDY)
    except NotFoundError:
        return ()
    return tuple(Rollback(**each) for each in tree["rollbacks"])


def write(store: Store, run_id: str, rollbacks: Sequence[Rollback]) -> None:
    """Record the rollbacks of a run."""
    tree = {"run_id": run_id, "rollbacks": [dataclasses.asdict(each) for each in rollbacks]}
    write_checksummed(store, layout.rollbacks(run_id), tree)


def planned(
    config: Config, before: Sequence[Rollback], *, at_step: int, to_step: int, verdict: str, reason: str
) -> Rollback:
    """The next rollback of a run."""
    number, health = len(before) + 1, config.health
    return Rollback(
        at_step=at_step,
        to_step=to_step,
        verdict=verdict,
        reason=reason,
        data_seed=int(content_hash(["rollback", config.train.seed, number]), 16) % 2**31,
        learning_rate_factor=health.learning_rate_factor**number,
        penalty_factor=health.penalty_factor**number,
    )


def healthy_step(checkpoints: Checkpoints, last_healthy: int) -> int:
    """The newest regular checkpoint that a healthy check followed; 0 for none.

    One that was saved because the run was stopped does not count, so that a run that was stopped returns to the same
    step as one that was not.

    Args:
        checkpoints: of the run.
        last_healthy: the step of the last healthy check.
    """
    for folder in reversed(checkpoints.folders()):
        if folder.valid and folder.step <= last_healthy and checkpoints.on_schedule(folder):
            return folder.step
    return 0


def may_start_from(rollbacks: Sequence[Rollback], step: int, meta: Mapping[str, Any]) -> bool:
    """Whether a run may resume from a checkpoint: it follows the last rollback, or is where that one returns to."""
    return not rollbacks or meta.get(COUNT, 0) == len(rollbacks) or step <= rollbacks[-1].to_step


def changed(config: Config, rollbacks: Sequence[Rollback]) -> Config:
    """The config with the learning rates and penalties that hold after the last rollback."""
    if not rollbacks:
        return config
    rate, penalty = rollbacks[-1].learning_rate_factor, rollbacks[-1].penalty_factor
    train = dataclasses.replace(
        config.train,
        generator_learning_rate=scaled(config.train.generator_learning_rate, rate),
        discriminator_learning_rate=scaled(config.train.discriminator_learning_rate, rate),
    )
    loss: Any = config.loss
    if hasattr(loss, "gradient_penalty"):
        highest = next(item for item in keys(type(loss)) if item.name == "gradient_penalty").metadata["max_value"]
        loss = dataclasses.replace(loss, gradient_penalty=min(loss.gradient_penalty * penalty, highest))
    regularisers = {
        name: dataclasses.replace(each, weight=scaled(each.weight, penalty))
        for name, each in config.regularisers.items()
    }
    return dataclasses.replace(config, train=train, loss=loss, regularisers=regularisers)


def scaled(value: Scheduled, factor: float) -> Scheduled:
    """A number or a schedule times a factor."""
    if isinstance(value, ScheduleOptions):
        return dataclasses.replace(value, start=value.start * factor, end=value.end * factor)
    return value * factor


def set_learning_rates(config: Config, generator_optimizer: Any, discriminator_optimizer: Any) -> None:
    """Set constant learning rates, which a restored checkpoint has set to those of before; schedules set their own."""
    rates = config.train.generator_learning_rate, config.train.discriminator_learning_rate
    for optimizer, rate in zip((generator_optimizer, discriminator_optimizer), rates, strict=True):
        if is_constant(rate):
            optimizer.learning_rate.assign(rate)
