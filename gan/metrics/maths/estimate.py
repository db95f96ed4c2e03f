"""A score with its interval, and how it is worked out only where somebody asks for it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.metrics.maths import shares
from gan.metrics.maths.contributions import Contributions, Over, of_values, standard_error
from gan.types import Json

if TYPE_CHECKING:
    Values = npt.NDArray[np.floating] | npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A score with its confidence interval, where it has one, and the `floor` that a perfect sampler would score."""

    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None

    def to_json(self) -> Json:
        """As it stands in an evaluation record: without what it does not have."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class LazyScore:
    """A score of which only the value is worked out so far.

    Attributes:
        value: the score.
        interval: gives (low, high) at a level of confidence in (0, 1); None for a score without an interval. The
            docstring of each metric says which randomness its interval is about.
        contributions: gives what each image contributes, with which two generators are compared; None for a score that
            can't be compared so.
        floor: what a perfect sampler would score, where that is not the end of the range.
    """

    value: float
    interval: Callable[[float], tuple[float, float]] | None = field(default=None, compare=False)
    contributions: Callable[[], Contributions] | None = field(default=None, compare=False)
    floor: float | None = None

    def estimate(self, confidence: float) -> Estimate:
        """The score with its interval."""
        low, high = (None, None) if self.interval is None else self.interval(confidence)
        return Estimate(self.value, low, high, self.floor)


def normal_interval(
    value: float, contributions: Callable[[], Contributions], *, low: float = -math.inf, high: float = math.inf
) -> Callable[[float], tuple[float, float]]:
    """The interval value +- z * error, cut to what the score can be; about other generated images.

    Args:
        value: the score.
        contributions: of the generated images; of the real ones where the score is a mean over those alone.
        low: the least value that the score can take.
        high: the greatest one.
    """

    def interval(confidence: float) -> tuple[float, float]:
        found = contributions()
        over: Over = "generated" if found.generated.size else "real"
        half_width = NormalDist().inv_cdf(0.5 + confidence / 2) * standard_error(found, over=over)
        return max(low, value - half_width), min(high, value + half_width)

    return interval


def mean(*, generated: Values | None = None, real: Values | None = None, low: float = -math.inf) -> LazyScore:
    """A score that is the mean of one number an image, of the `generated` [N] or of the `real` ones [M]."""
    values = np.asarray(generated if generated is not None else real, np.float64)
    side = "generated" if generated is not None else "real"

    def contributions() -> Contributions:
        return of_values(**{side: values})

    value = float(values.mean())
    return LazyScore(value, normal_interval(value, contributions, low=low), contributions)


def share(*, generated: Values | None = None, real: Values | None = None, floor: float | None = None) -> LazyScore:
    """A score that is the share of images for which something holds, with Wilson's interval; see `mean`."""
    values = np.asarray(generated if generated is not None else real, np.bool_)
    score = mean(generated=generated, real=real)
    return dataclasses.replace(score, interval=partial(shares.wilson, score.value, len(values)), floor=floor)
