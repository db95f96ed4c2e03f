"""The distance between the distributions of two sets of features, with an interval that tests their equality."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gan.types import Features, Floats


class MmdEstimate(NamedTuple):
    """A squared maximum mean discrepancy with its confidence interval."""

    value: float
    low: float
    high: float


def mmd_with_interval(
    first: Features, second: Features, *, confidence: float, permutations: int, rng: np.random.Generator
) -> MmdEstimate:
    """The squared MMD between the distributions of two sets of features of one size [N, F], N at least 2.

    The estimate is KID's (Bińkowski et al. 2018, "Demystifying MMD GANs", section 3): cubic polynomial kernel,
    unbiased, so that it is 0 on average for equal distributions, for every N.

    The interval covers the choice of the N images in both sets. Its ends are the largest distances that a test would
    not reject. For equal distributions the estimate varies as under random permutations of images between the sets
    (Gretton et al. 2012, "A Kernel Two-Sample Test", section 5); that is exact, so `low` is above 0 with a probability
    of at most (1 - confidence) / 2. For different distributions a variance is added that grows in proportion to the
    distance (there, corollary 16), estimated from the contributions of the images.

    Args:
        first: features [N, F].
        second: features [N, F].
        confidence: of the interval, in (0, 1).
        permutations: how many are drawn; more than 2 / (1 - confidence), so that the quantile exists.
        rng: draws them.

    Returns:
        The estimate, which may be negative, and the interval around it.
    """
    kernel = _kernel(np.concatenate([first, second]))
    count = len(first)
    signs = np.repeat([1.0, -1.0], count)
    value = float(_estimates(kernel, signs[None])[0])
    exchanged = np.sort(_estimates(kernel, rng.permuted(np.tile(signs, (permutations, 1)), axis=1)))
    tail = (1.0 - confidence) / 2
    rank = min(math.ceil((1.0 - tail) * (permutations + 1)), permutations) - 1
    critical = float(exchanged[rank])
    equal = float(exchanged.std())
    if not equal:  # every image has the same features
        return MmdEstimate(value, value, value)
    variance = 4.0 * _variance_of_contributions(kernel, count)
    scale = max(value, equal)
    low = value - critical
    if low > 0:
        growth = max(0.0, variance - 2.0 * equal**2) / scale
        low = value + _root(value, critical / equal, equal, growth, side=-1)
    # The estimate is skewed to the right: a small estimate understates its own error.
    normal = statistics.NormalDist().inv_cdf(1.0 - tail)
    return MmdEstimate(value, low, value + _root(value, normal, equal, variance / scale, side=1))


def _root(value: float, errors: float, equal: float, growth: float, *, side: int) -> float:
    """u with the sign of `side` and u^2 = errors^2 (equal^2 + growth (value + u)): `errors` standard errors."""
    slope = errors**2 * growth
    level = errors**2 * (equal**2 + growth * max(value, 0.0))
    return (slope + side * math.sqrt(slope**2 + 4.0 * level)) / 2


def _kernel(features: Features) -> Floats:
    """(x.y / F + 1)^3 for each pair of rows, and 0 on the diagonal, which the estimate omits."""
    exact = np.asarray(features, np.float64)
    base = exact @ exact.T
    base /= exact.shape[1]
    base += 1.0
    cube = base * base
    cube *= base
    np.fill_diagonal(cube, 0.0)
    return cube


def _estimates(kernel: Floats, signs: Floats) -> Floats:
    """The unbiased estimate for each way to split the rows in two: `signs` [P, 2N] holds N times 1 and N times -1.

    With W the sum over ordered pairs of one side and C that over pairs of both sides, W + C is the sum over all pairs
    and W - C is s^T K s.
    """
    count = signs.shape[1] // 2
    total = float(kernel.sum())
    quadratic = np.einsum("pi,pi->p", signs @ kernel, signs)
    within, across = (total + quadratic) / 2, (total - quadratic) / 2
    estimates: Floats = within / (count * (count - 1)) - across / count**2
    return estimates


def _variance_of_contributions(kernel: Floats, count: int) -> float:
    """The variance of the mean contribution: a quarter of the first-order variance of the estimate, plus noise.

    For equal distributions there is only noise, and four times this is twice the variance of the estimate, since every
    pair is in two contributions.
    """
    sides = slice(0, count), slice(count, None)
    variance = 0.0
    for own, other in (sides, sides[::-1]):
        contributions = kernel[own, own].sum(axis=1) / (count - 1) - kernel[own, other].mean(axis=1)
        variance += float(contributions.var(ddof=1)) / count
    return variance
