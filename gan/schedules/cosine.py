"""Half a cosine wave: flat at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gan.schedules.interface import ScheduleOptions
from gan.types import Scalar, Tensor
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(ScheduleOptions):
    """end + (start - end) (1 + cos(pi t)) / 2, with t from 0 to 1 over `steps`.

    Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983, equation 5,
    without restarts.
    """

    name: str = "cosine"


def make(options: Options, fraction: Tensor) -> Scalar:
    """The value at `fraction`, float32 in [0, 1], of the schedule's length."""
    return options.end + (options.start - options.end) * 0.5 * (1.0 + tf.cos(math.pi * fraction))
