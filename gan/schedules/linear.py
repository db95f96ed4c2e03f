"""A straight line."""

from __future__ import annotations

from dataclasses import dataclass

from gan.schedules.interface import ScheduleOptions
from gan.types import Scalar, Tensor


@dataclass(frozen=True)
class Options(ScheduleOptions):
    """start + (end - start) t, with t from 0 to 1 over `steps`."""

    name: str = "linear"


def make(options: Options, fraction: Tensor) -> Scalar:
    """The value at `fraction`, float32 in [0, 1], of the schedule's length."""
    return options.start + (options.end - options.start) * fraction
