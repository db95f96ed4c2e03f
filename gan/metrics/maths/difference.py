"""How much worse one generator is than another in a score, with the interval that a verdict rests on.

Both are scored on the same latents and the same real images, so the difference is estimated image by image: what the
two have in common cancels (a paired comparison). The interval is about other latents and other real images alike. FID's
contributions are of both sets. Those of precision, recall, density and coverage are of one, as each is a mean over one;
they vary with the other set too, about as much, as both have equally many images: their variance is doubled (`sides`).

Non-inferiority (Wellek 2010, "Testing Statistical Hypotheses of Equivalence and Noninferiority", chapter 5): a
generator counts as not worse only where the upper end of a one-sided interval is at most a margin. Too little evidence
makes the interval wide, and so never passes for quality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths import contributions as parts
from gan.metrics.maths import shares
from gan.metrics.registry import LOWER, ScoreKind

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions


@dataclass(frozen=True)
class ScoreDifference:
    """How much worse the first generator is than the second, in units of the score.

    Attributes:
        worse: the estimate; negative where the first is better.
        upper: the upper end of its one-sided interval.
        samples_needed: about how many generated samples would bring `upper` below the margin; None where more samples
            alone can't.
        images_needed: the same for held-out images.
    """

    worse: float
    upper: float
    samples_needed: int | None = None
    images_needed: int | None = None


def score_difference(
    kind: ScoreKind,
    new: tuple[float, Contributions],
    old: tuple[float, Contributions],
    *,
    margin: float,
    confidence: float,
) -> ScoreDifference:
    """Compare a score of two generators.

    Args:
        kind: the score.
        new: its value, and what each image contributes to it, for the first generator.
        old: the same for the second, from the same latents and real images.
        margin: in units of the score, at least 0.
        confidence: level of the one-sided interval, in (0.5, 1).

    Raises:
        IdentityError: the two were not scored on the same numbers of images.
    """
    worse = kind.loss(new[0]) - kind.loss(old[0])
    paired = parts.paired_difference(new[1], old[1])
    if kind.share:
        return _of_shares(kind, new, old, worse, margin, confidence)
    error = math.sqrt(kind.sides) * parts.standard_error(paired, over="both")
    upper = worse + NormalDist().inv_cdf(confidence) * error
    if not worse < margin < upper:
        return ScoreDifference(worse, upper)
    needed = parts.images_needed(paired, over="both", value=worse, limit=margin, confidence=confidence)
    return ScoreDifference(worse, upper, needed.samples, needed.real)


def _of_shares(
    kind: ScoreKind,
    new: tuple[float, Contributions],
    old: tuple[float, Contributions],
    worse: float,
    margin: float,
    confidence: float,
) -> ScoreDifference:
    """By Newcombe's interval, which has a width even where both shares are 0 or 1. It narrows as 1 / sqrt(images)."""
    side = "generated" if new[1].generated.size else "real"
    first, second = (getattr(each[1], side)[0] for each in (new, old))
    covariance, count = float(np.mean(first * second)), len(first)
    ends = (new[0], old[0]) if kind.better == LOWER else (1 - new[0], 1 - old[0])
    reach = shares.upper_difference(*ends, covariance, count, confidence) - worse
    upper = worse + math.sqrt(kind.sides) * reach
    if not worse < margin < upper:
        return ScoreDifference(worse, upper)
    needed = math.ceil(count * ((upper - worse) / (margin - worse)) ** 2)
    of_samples = side == "generated"
    return ScoreDifference(worse, upper, needed if of_samples else None, None if of_samples else needed)
