"""Confidence intervals: the point value plus and minus a multiple of its bootstrap standard error.

Why not percentiles of the bootstrap values: resampling with replacement repeats images, and a set with repeats has a
larger FID and finds fewer modes. Its values lie off to one side of the point value; their spread is sound, their
centre is not. So only the spread is used (the normal interval; Efron & Tibshirani 1993, section 13.3).

The interval tells how far the score would move with other samples of the same generator against the same real
images. The choice of real images is held fixed: it is part of a score's identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from gan.types import Json


@dataclass(frozen=True)
class Estimate:
    """A score with its confidence interval, and the `floor` that a perfect sampler would score where it is not 0."""

    value: float
    low: float
    high: float
    floor: float | None = None

    def to_json(self) -> Json:
        """As it stands in an evaluation record."""
        tree = {"value": self.value, "low": self.low, "high": self.high}
        return tree if self.floor is None else {**tree, "floor": self.floor}


@dataclass(frozen=True)
class Measured:
    """A score whose interval is worked out only where somebody asks for it: most of the time goes into that.

    value: the score.
    error: gives its standard error, at least 0.
    least, most: the lowest and the highest value that the score can take.
    floor: see `Estimate`.
    """

    value: float
    error: Callable[[], float] = field(compare=False)
    least: float = -math.inf
    most: float = math.inf
    floor: float | None = None

    def estimate(self, confidence: float) -> Estimate:
        """The score with its interval; see `normal_interval`."""
        return normal_interval(self.value, self.error(), confidence, least=self.least, most=self.most, floor=self.floor)


def normal_interval(
    value: float,
    error: float,
    confidence: float,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    floor: float | None = None,
) -> Estimate:
    """value +- z * error, cut to what the score can be.

    Args:
        value: the score.
        error: its standard error, at least 0.
        confidence: level of the interval, in (0, 1); 0.95 gives z = 1.96.
        least: the lowest value that the score can take.
        most: the highest one.
        floor: see `Estimate`.
    """
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * error
    return Estimate(value, max(least, value - reach), min(most, value + reach), floor)


def standard_error(
    statistic: Callable[[npt.NDArray[np.intp]], float], count: int, rounds: int, rng: np.random.Generator
) -> float:
    """Standard deviation of a statistic over bootstrap resamples.

    Args:
        statistic: the score of the samples with these indices (int [count], with repeats).
        count: how many samples there are.
        rounds: how many resamples are drawn, at least 2.
        rng: the source of randomness.
    """
    return float(np.std([statistic(rng.integers(0, count, count)) for _ in range(rounds)], ddof=1))


def error_of_mean(values: npt.NDArray[np.floating] | npt.NDArray[np.bool_]) -> float:
    """The bootstrap standard error of a mean, in closed form: the limit of infinitely many rounds.

    std(values) / sqrt(N), with the plain (biased) standard deviation; Efron & Tibshirani 1993, equation 5.12.

    Args:
        values: one number a sample, [N], N at least 1; for precision, say, 1 where the sample lies among the real.
    """
    return float(np.std(values, dtype=np.float64) / math.sqrt(values.size))
