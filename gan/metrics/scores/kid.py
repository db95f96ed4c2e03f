"""Kernel distance: the squared maximum mean discrepancy between real and generated features.

Bińkowski et al. 2018, "Demystifying MMD GANs", section 3: cubic polynomial kernel k(x, y) = (x.y / F + 1)^3, the
unbiased estimator, averaged over random subsets. It is unbiased, so it can be negative, and unlike FID its expectation
does not depend on the number of samples.

KID's error covers other images, generated or real, and other random subsets of them (`error_of_kid`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.contributions import Contributions, Over, halves, standard_error
from gan.metrics.maths.estimate import LazyScore

if TYPE_CHECKING:
    from gan.types import Features, Floats

TILE_ROWS = 1024
MIN_IMAGES = 3  # leaving one out must leave a pair


class AllPairs(NamedTuple):
    """The unbiased estimate from all pairs of images, and what each image contributes to it.

    KID tends to it with the number of subsets. It is better for comparing generators, since the choice of subsets adds
    no noise.
    """

    value: float
    contributions: Contributions


def polynomial_mmd(real: Features, generated: Features) -> float:
    """Unbiased estimate of the squared MMD between two sets of features [M, F] and [N, F], M and N at least 2.

    Gretton et al. 2012, "A Kernel Two-Sample Test", equation 3.
    """
    first, second = np.asarray(real, np.float64), np.asarray(generated, np.float64)
    across = float(_kernel(first, second).mean())
    return _off_diagonal_mean(_kernel(first, first)) + _off_diagonal_mean(_kernel(second, second)) - 2.0 * across


def _kernel(first: Floats, second: Floats) -> Floats:
    """(x.y / F + 1)^3 for each pair of rows."""
    base = first @ second.T
    base /= first.shape[1]
    base += 1.0
    cube: Floats = base * base * base  # ** 3 is 40 times as slow
    return cube


def _off_diagonal_mean(kernel: Floats) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def subset_size(max_size: int, real: int, generated: int) -> int:
    """Images in a subset: `max_size`, but at most half of the smaller set, so that subsets differ."""
    return max(2, min(max_size, real // 2, generated // 2))


def kid(real: Features, generated: Features, *, subsets: int, max_subset_size: int, rng: np.random.Generator) -> Floats:
    """KID of random subsets of features [M, F] and [N, F]: float64 [subsets]. The score is their mean."""
    size = subset_size(max_subset_size, len(real), len(generated))
    return np.array(
        [
            polynomial_mmd(
                real[rng.choice(len(real), size, replace=False)],
                generated[rng.choice(len(generated), size, replace=False)],
            )
            for _ in range(subsets)
        ]
    )


def error_of_subsets(estimates: Floats) -> float:
    """Standard error of a mean of estimates [subsets] over the choice of subsets, with the images fixed.

    For a paired difference of KIDs (subsets drawn with the same seed) pass the differences of the estimates. Infinite
    for a single subset.
    """
    return float(np.std(estimates, ddof=1)) / math.sqrt(len(estimates)) if len(estimates) > 1 else math.inf


def error_of_kid(estimates: Floats, contributions: Contributions, *, over: Over) -> float:
    """Standard error of KID over other images (see `contributions.standard_error`) and other subsets of them.

    Given the images, subsets are independent and expect the estimate from all pairs. So the variance of their mean is
    that of the estimate from all pairs plus that of the choice of subsets. Infinite with fewer than 3 images on a side.
    """
    return math.hypot(standard_error(contributions, over=over), error_of_subsets(estimates))


def all_pairs(real: Features, generated: Features) -> AllPairs:
    """The unbiased estimate from all pairs of features [M, F] and [N, F], M and N at least 2, with contributions.

    Without image i the estimate lacks one row of the kernel, so leaving out each image costs no more than the estimate
    (Arvesen 1969, "Jackknifing U-statistics"). With fewer than 3 images on a side the contributions are NaN, and errors
    from them infinite.

    The kernel is computed in the data type of the features, float32 or float64, without its constant 1, which cancels.
    Memory: one tile of `TILE_ROWS` squared.
    """
    within_real, within = _within(real), _within(generated)
    across, across_real = _across(generated, real)
    value = _mean_of_pairs(within_real[0]) + _mean_of_pairs(within[0]) - 2.0 * float(across[0].mean()) / len(real)
    return AllPairs(
        value,
        Contributions(_rows(within, across, len(real)), _rows(within_real, across_real, len(generated))),
    )


def _within(points: Features) -> Floats:
    """Sums of the kernel of each point with the others, unweighted and with the signs of the halves: [2, N]."""
    factors, sums = _factors(points), np.zeros((2, len(points)))
    for rows in _tiles(len(points)):
        for columns in _tiles(len(points)):
            if columns.start < rows.start:
                continue
            kernel = _kernel_less_one(points[rows], points[columns])
            if rows == columns:
                np.fill_diagonal(kernel, 0.0)
            else:
                sums[:, columns] += factors[:, rows] @ kernel
            sums[:, rows] += factors[:, columns] @ kernel.T
    return sums


def _across(first: Features, second: Features) -> tuple[Floats, Floats]:
    """The sums with the points of the other set: [2, N] for the first set, and [2, M] for the second."""
    factors = [_factors(each) for each in (first, second)]
    sums = [np.zeros((2, len(each))) for each in (first, second)]
    for rows in _tiles(len(first)):
        for columns in _tiles(len(second)):
            kernel = _kernel_less_one(first[rows], second[columns])
            sums[0][:, rows] += factors[1][:, columns] @ kernel.T
            sums[1][:, columns] += factors[0][:, rows] @ kernel
    return sums[0], sums[1]


def _factors(points: Features) -> Features:
    return np.stack([np.ones(len(points)), halves(len(points))]).astype(points.dtype)


def _kernel_less_one(first: Features, second: Features) -> Features:
    """(x.y / F + 1)^3 - 1 = ((u + 3) u + 3) u with u = x.y / F, for each pair of rows."""
    base = first @ second.T
    base /= first.shape[1]
    kernel = base + 3.0
    kernel *= base
    kernel += 3.0
    kernel *= base
    return kernel


def _tiles(count: int) -> Iterator[slice]:
    return (slice(start, min(start + TILE_ROWS, count)) for start in range(0, count, TILE_ROWS))


def _mean_of_pairs(sums: Floats) -> float:
    return float(sums.sum()) / (len(sums) * (len(sums) - 1))


def _rows(within: Floats, across: Floats, others: int) -> Floats:
    """The rows of `gan.metrics.maths.contributions` for one set, [3, N]; `others` is the size of the other set."""
    count = within.shape[1]
    if min(count, others) < MIN_IMAGES:
        return np.full((3, count), np.nan)
    means = within[0] / (count - 1)  # taken off the kernel, so that the missing k(x, x) has no weight
    rows = np.stack(
        [
            2.0 * within[0] / (count - 2) - 2.0 * across[0] / others,
            2.0 * (within[1] + halves(count) * (2.0 * means - means.mean())) / count,
            -2.0 * across[1] / others,
        ]
    )
    centred: Floats = rows - rows.mean(axis=1, keepdims=True)
    return centred


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`kid` of random subsets; its interval is over other generated images and other subsets."""
    real, generated, protocol = comparison.real.features, comparison.generated.features, comparison.protocol
    rng = np.random.default_rng([protocol.seed, 2])
    estimates = kid(real, generated, subsets=protocol.kid_subsets, max_subset_size=protocol.kid_subset_size, rng=rng)
    value = float(estimates.mean())

    @cache
    def contributions() -> Contributions:
        return all_pairs(real, generated).contributions

    def interval(confidence: float) -> tuple[float, float]:
        half_width = error_of_kid(estimates, contributions(), over="generated")
        half_width *= NormalDist().inv_cdf(0.5 + confidence / 2)
        return value - half_width, value + half_width

    return {"kid": LazyScore(value, interval)}
