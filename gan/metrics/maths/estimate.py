"""A score, and its interval and contributions, which are computed only on request."""

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
    """A score with its confidence interval, if it has one, and the `floor` that a perfect sampler would score."""

    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None

    def to_json(self) -> Json:
        """The JSON of an evaluation record, without fields that are None."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class LazyScore:
    """A score whose interval and contributions are computed on request.

    Attributes:
        value: the score.
        interval: from a level of confidence in (0, 1) to (low, high); None for a score without an interval. The
            docstring of each metric says which images vary.
        contributions: what each image contributes, for paired comparison of two generators; None if not supported.
        floor: what a perfect sampler would score, if that is not the end of the range.
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
    """The interval value +- z * error over other generated images, clipped to the range of the score.

    Args:
        value: the score.
        contributions: of the generated images, or of the real ones if the score is a mean over those.
        low: the lower end of the score's range.
        high: the upper end.
    """

    def interval(confidence: float) -> tuple[float, float]:
        found = contributions()
        over: Over = "generated" if found.generated.size else "real"
        half_width = NormalDist().inv_cdf(0.5 + confidence / 2) * standard_error(found, over=over)
        return max(low, value - half_width), min(high, value + half_width)

    return interval


def mean(*, generated: Values | None = None, real: Values | None = None, low: float = -math.inf) -> LazyScore:
    """A score that is the mean of one number per image, `generated` [N] or `real` [M]."""
    values = np.asarray(generated if generated is not None else real, np.float64)
    side = "generated" if generated is not None else "real"

    def contributions() -> Contributions:
        return of_values(**{side: values})

    value = float(values.mean())
    return LazyScore(value, normal_interval(value, contributions, low=low), contributions)


def share(*, generated: Values | None = None, real: Values | None = None, floor: float | None = None) -> LazyScore:
    """A score that is the share of images for which a condition holds, with Wilson's interval; see `mean`."""
    values = np.asarray(generated if generated is not None else real, np.bool_)
    score = mean(generated=generated, real=real)
    return dataclasses.replace(score, interval=partial(shares.wilson, score.value, len(values)), floor=floor)
