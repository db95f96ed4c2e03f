"""The group `retrain`: when the retraining pipeline trains, from which weights, and what it posts to the webhook."""

from __future__ import annotations

from dataclasses import dataclass

from gan.config.group import Group
from gan.errors import ConfigError
from gan.options import key
from gan.util.ids import is_id


@dataclass(frozen=True)
class Retrain(Group):
    """When the retraining pipeline trains, from which weights, and what it posts to the webhook."""

    min_changed_images: int = key(
        1, "Train if at least this many images were added or removed since the live generator's data.", min_value=1
    )
    max_drift: float | None = key(
        None,
        "Train if the added images differ from the live generator's held-out ones by more than this: the lower end of "
        "the 95 % interval of their KID, in its reference's features, is above it. 0: if they differ at all; none: "
        "drift does not matter.",
        min_value=0,
    )
    max_age_days: float | None = key(
        None,
        "Train if the live generator went live longer ago than this; none: age does not matter.",
        min_value=0,
    )
    max_attempts: int = key(
        1,
        "How many trainings of the same config on the same data, each with another seed, may be refused against the "
        "same live generator before retraining waits for a change.",
        min_value=1,
        max_value=1000,
    )
    force: bool = key(False, "Train even if nothing changed, with a new seed.")
    start_from: str = key(
        "scratch", "Initial weights: random (scratch), or those of the live run.", choices=("scratch", "live")
    )
    notify: str = key(
        "all",
        "What to post to the webhook: everything, all but `nothing new`, or nothing.",
        choices=("all", "news", "off"),
    )
    message: str | None = key(None, "A Jinja template for the message; none: the shipped one.")


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
