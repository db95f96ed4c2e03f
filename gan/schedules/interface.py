"""Values that change with the training step: the options of every schedule, and the parser of a key that takes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from gan.options import Options, key
from gan.types import Scalar, Tensor

ValueAt = Callable[[Tensor], Scalar]
"""From a step's number, int64 from 1, to the value at that step, float32."""


@dataclass(frozen=True)
class ScheduleOptions(Options):
    """From `start` at the first step to `end` after `steps` steps; `end` from then on."""

    GROUP: ClassVar[str] = "schedule"

    name: str = ""
    start: float = key(None, "The value at the first step; it must be given.")
    end: float = key(None, "The value after `steps` steps, and from then on; it must be given.")
    steps: int | None = key(
        None, "Length of the change in training steps; none: the length of the run, train.steps.", min_value=1
    )


Scheduled = float | ScheduleOptions
"""A constant, or the options of a schedule."""
