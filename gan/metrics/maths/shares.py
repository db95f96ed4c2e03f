"""Intervals of shares of images, and of the difference of two shares of the same images.

They are valid where a normal interval fails: at 0 and 1, where the standard error is 0, and with few images.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(share: float, count: int, confidence: float) -> tuple[float, float]:
    """The score interval of a share of `count` images.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22(158).

    Args:
        share: in [0, 1].
        count: images, at least 1.
        confidence: level of the two-sided interval, in (0, 1).
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half_width = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return max(0.0, min(share, centre - half_width)), min(1.0, max(share, centre + half_width))


def upper_difference(first: float, second: float, covariance: float, count: int, confidence: float) -> float:
    """The upper end of the one-sided interval of `first` - `second`, two shares of the same images.

    Newcombe 1998, "Improved Confidence Intervals for the Difference between Binomial Proportions Based on Paired Data",
    Statistics in Medicine 17, method 10: Wilson's limits of both, joined with the correlation of the two, which is
    corrected for continuity.

    Args:
        first: in [0, 1].
        second: in [0, 1].
        covariance: over the images, of the two indicators (divided by N).
        count: images, at least 1.
        confidence: level of the one-sided interval, in (0.5, 1).
    """
    (_, first_high), (second_low, _) = (wilson(each, count, 2 * confidence - 1) for each in (first, second))
    above, below = first_high - first, second - second_low
    scale = math.sqrt(first * (1 - first) * second * (1 - second))
    corrected = max(covariance - 1 / (2 * count), 0.0) if covariance > 0 else covariance
    correlation = corrected / scale if scale else 0.0
    return first - second + math.sqrt(max(0.0, above**2 - 2 * correlation * above * below + below**2))
