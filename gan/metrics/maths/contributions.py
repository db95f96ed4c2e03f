"""What each image contributes to a score, for standard errors and paired differences without the features.

A score of N generated and M real images is a function of both sets. The contribution of an image is its jackknife
influence value: (N - 1) times what the score loses when the image is left out, less the mean (Efron & Tibshirani 1993,
equation 11.15; the sample version of Hampel's influence function). For a mean it is the image's own value less the
mean. The variance of the contributions over N is the jackknife's variance of the score.

Two corrections. A smooth score is, up to third order, a sum over images and over pairs of images (Hoeffding 1948). The
jackknife counts the pairs twice (Efron & Stein 1981, equation 2.8): near its floor, where a score depends on pairs
alone, the standard error would be sqrt(2) times too large. And where both sets are drawn anew, the pairs of one
generated and one real image are in the variances of both sides. Rows 1 and 2 estimate the variance of the pairs, which
is then taken off once:

    row 1, row 2    the first-order change of the contributions when weight moves from one half of the images to the
                    other (row 1: images of the same side; row 2: of the other side), without an image's effect on its
                    own contribution. This is a sum over pairs with random signs, so its variance over N is an unbiased
                    estimate of the variance of the pairs.

All rows are linear in the score. So the rows of a difference of two scores are the differences of their rows, and the
corrections hold for the difference too, if the n-th image of both generators has the same latents and the real images
are the same.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from gan.errors import IdentityError

if TYPE_CHECKING:
    from gan.types import Floats

Over: TypeAlias = Literal["generated", "real", "both"]
SPLIT_SEED = 20_170_626  # arbitrary, but fixed: both generators of a paired difference need the same halves


class Contributions(NamedTuple):
    """What each image contributes to a score. R is 1 or 3; see the module's docstring.

    generated: float64 [R, N], one column per generated image; N is 0 if the score is a mean over real images.
    real: float64 [R, M], one column per real image; M is 0 if the score does not depend on single real images.
    """

    generated: Floats
    real: Floats


class Variances(NamedTuple):
    """Variances of a score, in its squared unit.

    generated: over other generated images, the real images held fixed.
    real: over other real images, the generated images held fixed.
    shared: the part that is in both; `both` counts it once.
    pairs: the part of `both` that comes from pairs of images, which remains at a score's floor.
    """

    generated: float
    real: float
    shared: float
    pairs: float

    @property
    def both(self) -> float:
        """Over other generated and other real images; at least `pairs`."""
        return max(self.generated + self.real - self.shared, self.pairs)

    def of(self, over: Over) -> float:
        """The variance over the given randomness."""
        return {"generated": self.generated, "real": self.real, "both": self.both}[over]


def of_values(generated: Floats | None = None, real: Floats | None = None) -> Contributions:
    """Contributions to the mean of one number per image: `generated` [N] or `real` [M]."""
    return Contributions(_centred(generated), _centred(real))


def _centred(values: Floats | None) -> Floats:
    exact = np.zeros(0) if values is None else np.asarray(values, np.float64)
    centred: Floats = (exact - (exact.mean() if exact.size else 0.0))[None]
    return centred


def halves(count: int) -> Floats:
    """The half of each image, float64 [count]: 1 or -1, less the mean. The same for every set of this size."""
    signs = np.ones(count)
    signs[: count // 2] = -1.0
    np.random.default_rng(SPLIT_SEED).shuffle(signs)
    centred: Floats = signs - (signs.mean() if count else 0.0)
    return centred


def paired_difference(first: Contributions, second: Contributions) -> Contributions:
    """Contributions to `first` - `second`, paired: the same latents in the same order, and the same real images.

    Raises:
        IdentityError: the numbers of images or of rows differ.
    """
    shapes = [(each.generated.shape, each.real.shape) for each in (first, second)]
    if shapes[0] != shapes[1]:
        raise IdentityError(
            f"contributions of shapes {shapes[0]} and {shapes[1]} (generated, real) can't be paired: the shapes must "
            "be equal; evaluate both generators with the same evaluate.samples, seed and reference"
        )
    return Contributions(first.generated - second.generated, first.real - second.real)


def variance(contributions: Contributions) -> Variances:
    """Variances of the score; infinite with too few images to estimate them.

    Each side has the jackknife's variance less half of row 1's, and at least that half: the rest is the variance of a
    sum over images, whose estimate can be negative by chance if the score depends on pairs only.
    """
    (first, own, across), (first_real, own_real, across_real) = map(_row_variances, contributions)
    shared = (across + across_real) / 2.0
    return Variances(
        max(first - own / 2.0, own / 2.0),
        max(first_real - own_real / 2.0, own_real / 2.0),
        shared,
        (own + own_real) / 2.0 + shared,
    )


def _row_variances(rows: Floats) -> tuple[float, float, float]:
    """Variance of the mean of each row [R, N]; 0 for rows 1 and 2 if there is only row 0."""
    count = rows.shape[1]
    if count == 0:
        return 0.0, 0.0, 0.0
    if count == 1 or not np.all(np.isfinite(rows)):
        return math.inf, 0.0, 0.0
    variances = [float(each) / count for each in np.var(rows, axis=1, ddof=1)]
    return variances[0], variances[1] if len(rows) > 1 else 0.0, variances[2] if len(rows) > 1 else 0.0


def standard_error(contributions: Contributions, *, over: Over) -> float:
    """Standard error of the score, at least 0; infinite with too few images to estimate it.

    Args:
        contributions: of the score, or of a difference.
        over: which images vary: "generated" (other latents, the same real images), "real", or "both".
    """
    return math.sqrt(variance(contributions).of(over))


class ImagesNeeded(NamedTuple):
    """How many images are needed; None: no more than now; both None: no number is enough.

    samples: generated images.
    real: real images.
    """

    samples: int | None
    real: int | None


def images_needed(
    contributions: Contributions, *, over: Over, value: float, limit: float, confidence: float
) -> ImagesNeeded:
    """How many images would bring the upper end of the one-sided interval of a difference below `limit`.

    The upper end is value + z sqrt(a / N + b / M), with a and b from the variances at the present N and M and
    z = Phi^-1(confidence). The answer is more generated images if they suffice, else more of both in the present ratio.
    The variance of pairs falls faster than 1 / N, so the numbers are upper bounds.

    Args:
        contributions: of the difference.
        over: see `standard_error`.
        value: the difference.
        limit: the desired bound of the upper end.
        confidence: level of the one-sided interval, in (0.5, 1).
    """
    found = variance(contributions)
    total, allowed_error = found.of(over), (limit - value) / NormalDist().inv_cdf(confidence)
    if allowed_error <= 0.0 or not math.isfinite(total):
        return ImagesNeeded(None, None)
    count, real_count = contributions.generated.shape[1], contributions.real.shape[1]
    of_real = {"generated": 0.0, "real": total, "both": total - found.generated}[over]
    if count and over != "real" and allowed_error**2 > of_real:
        return ImagesNeeded(_above(count * (total - of_real) / (allowed_error**2 - of_real)), None)
    factor = total / allowed_error**2
    return ImagesNeeded(_above(count * factor) if count and over != "real" else None, _above(real_count * factor))


def _above(number: float) -> int:
    """The least integer greater than `number`, and at least 2."""
    return max(2, math.floor(number) + 1)
