"""How much worse one generator is than another in a score, with the interval that the gate decides by.

Both are scored on the same latents and the same real images, so the difference is estimated image by image and what
they share cancels (a paired comparison). The interval covers other latents and other real images. FID has contributions
of both sets. Precision, recall, density and coverage are means over one set and have contributions of that set only;
they vary about as much with the other set, which has equally many images, so their variance is doubled (`sides`).

Non-inferiority (Wellek 2010, "Testing Statistical Hypotheses of Equivalence and Noninferiority", chapter 5): a
generator counts as not worse only if the upper end of a one-sided interval is at most a margin. With too few images the
interval is wide and the test fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths import contributions as parts
from gan.metrics.maths import shares
from gan.metrics.score_kind import LOWER, ScoreKind

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions


@dataclass(frozen=True)
class ScoreDifference:
    """How much worse the first generator is than the second, in units of the score.

    Attributes:
        worse: the estimate; negative where the first is better.
        upper: the upper end of its one-sided interval.
        samples_needed: about how many generated samples would bring `upper` below the margin; None if more samples
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
    worse = kind.to_minimise(new[0]) - kind.to_minimise(old[0])
    paired = parts.paired_difference(new[1], old[1])
    side = "generated" if paired.generated.size else "real"
    scale = math.sqrt(kind.sides)
    if kind.share:
        half_width = scale * (_newcombe_upper(kind, new, old, side, confidence) - worse)
    else:
        half_width = NormalDist().inv_cdf(confidence) * (scale * parts.standard_error(paired, over="both"))
    upper = worse + half_width
    if not worse < margin < upper:
        return ScoreDifference(worse, upper)
    if not kind.share:
        needed = parts.images_needed(paired, over="both", value=worse, limit=margin, confidence=confidence)
        return ScoreDifference(worse, upper, needed.samples, needed.real)
    # Newcombe's interval narrows as 1 / sqrt(images).
    count = math.ceil(getattr(paired, side).shape[1] * ((upper - worse) / (margin - worse)) ** 2)
    return ScoreDifference(worse, upper, **{"samples_needed" if side == "generated" else "images_needed": count})


def _newcombe_upper(
    kind: ScoreKind, new: tuple[float, Contributions], old: tuple[float, Contributions], side: str, confidence: float
) -> float:
    """The upper end by Newcombe's interval, which has a width even if both shares are 0 or 1."""
    first, second = (getattr(each[1], side)[0] for each in (new, old))
    ends = (new[0], old[0]) if kind.better == LOWER else (1 - new[0], 1 - old[0])
    return shares.upper_difference(*ends, float(np.mean(first * second)), len(first), confidence)
