"""Intervals of shares of images: precision, recall, coverage, high confidence, memorised samples; and of density.

What they are about: other images of the kind that is counted, with everything else held fixed. For precision, density,
high confidence and memorisation these are other generated images, for recall and coverage other real ones.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.metrics.contributions import Contributions, Over, variance

if TYPE_CHECKING:
    from gan.types import Floats


class Interval(NamedTuple):
    """Both ends."""

    low: float
    high: float


def wilson(share: float, count: int, confidence: float) -> Interval:
    """Score interval of a share of `count` images, within [0, 1] and never of width 0; [0, 1] without any image.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference"; Newcombe 1998, method 3:

        (2 n p + z^2 +- z sqrt(z^2 + 4 n p (1 - p))) / (2 (n + z^2))
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle, reach = 2 * count * share + z**2, z * math.sqrt(z**2 + 4 * count * share * (1 - share))
    whole = 2 * (count + z**2)
    return Interval(max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole))


def mean_interval(values: Floats | npt.NDArray[np.floating], confidence: float) -> Interval:
    """Normal interval of the mean of numbers [N] that are no shares, such as density; infinite for a single one."""
    if len(values) < 2:
        return Interval(-math.inf, math.inf)
    mean = float(np.mean(values))
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean - reach, mean + reach)


def difference_limit(contributions: Contributions, value: float, confidence: float, *, over: Over) -> Interval:
    """One-sided limits of a paired difference of two scores, each at the level `confidence`.

    A difference of shares (one row, one side): Agresti & Min 2005, "Simple improved confidence intervals for comparing
    matched proportions". With d in {-1, 0, 1} for each of n images, half a pair is added to each of the four cells, so
    there are n + 2 images, and the sum of d^2 is larger by 1. The interval has a width even if no image differs: at
    95 % its upper limit is then 1.64 / (n + 2). All other differences: value +- z standard errors.

    Args:
        contributions: of the difference.
        value: the difference.
        confidence: level of each limit, in (0.5, 1).
        over: see `contributions.standard_error`.
    """
    z = NormalDist().inv_cdf(confidence)
    sides = [rows for rows in contributions if rows.shape[1]]
    if len(sides) == 1 and len(sides[0]) == 1 and np.all(np.isfinite(sides[0])):
        differences = sides[0][0] + value
        count = len(differences) + 2
        total = float(differences.sum())
        value, error = total / count, math.sqrt(float(np.sum(differences**2)) + 1.0 - total**2 / count) / count
    else:
        error = math.sqrt(variance(contributions).of(over))
    return Interval(value - z * error, value + z * error)
