"""The group `retrain`: when the retraining pipeline trains at all, from which weights, and what it tells by webhook."""

from __future__ import annotations

from dataclasses import dataclass

from gan.config.check import Group, key
from gan.errors import ConfigError
from gan.util.ids import is_id


@dataclass(frozen=True)
class Retrain(Group):
    """When the retraining pipeline trains at all, from which weights, and what it tells by webhook."""

    min_changed_images: int = key(
        1, "It trains where so many images came or went since the data of the live generator.", min_value=1
    )
    max_drift: float | None = key(
        None,
        "It trains where the images that came since differ from the held-out ones of the live generator by more than "
        "this: the lower end of the 95 % interval of their KID, in its reference's features, is above it. 0: where "
        "they differ at all; none: drift is not looked at.",
        min_value=0,
    )
    max_age_days: float | None = key(
        None,
        "Train if the live generator went live longer ago than this; none: age does not matter.",
        min_value=0,
    )
    max_attempts: int = key(
        1,
        "So many trainings of the same config on the same data, each with a seed of its own, may be refused beside "
        "the same live generator; then it waits for something new.",
        min_value=1,
        max_value=1000,
    )
    force: bool = key(False, "It trains whether there is anything new or not, with a seed that was not used yet.")
    start_from: str = key(
        "scratch", "The weights that training starts from: random ones, or the live run's.", choices=("scratch", "live")
    )
    notify: str = key(
        "all",
        "What the webhook is told: everything, all but `nothing new`, or nothing at all.",
        choices=("all", "news", "off"),
    )
    message: str | None = key(
        None, "A Jinja template of the text that the webhook gets; none: the one that comes along."
    )


def checkpoint_of(text: str) -> tuple[str, int]:
    """The run and the step that `train.start_from` names.

    Examples:
        >>> checkpoint_of("faces-1a2b@500")
        ('faces-1a2b', 500)

    Raises:
        ConfigError: it is not of that form.
    """
    run_id, at, step = text.rpartition("@")
    if not at or not is_id(run_id) or not step.isdecimal():
        raise ConfigError(
            f'train.start_from must be RUN_ID@STEP, a checkpoint such as faces-1a2b@500, or null; got "{text}"'
        )
    return run_id, int(step)
