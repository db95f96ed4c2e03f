"""Gaussian-kernel distance: the squared maximum mean discrepancy in the form of CMMD.

Jayasumana et al. 2024, "Rethinking FID: Towards a Better Evaluation Metric for Image Generation", the
section on CMMD: kernel exp(-|x - y|^2 / (2 sigma^2)), the biased estimate (V-statistic), times 1,000.

Their features are CLIP embeddings of norm 1 and their sigma is 10, so that |x - y|^2 / (2 sigma^2) is at most 0.02: the
kernel is almost linear, and the score close to 1,000 / sigma^2 times the squared distance of the means. The feature
scale of other networks differs. `bandwidth` derives sigma from the real images: the median distance between two of them
(Gretton et al. 2012, "A Kernel Two-Sample Test"), where the kernel is curved and measures more than means. Only scores
with the same network and sigma can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore

if TYPE_CHECKING:
    from gan.types import Features, Floats

SCALE = 1000.0
TILE_ROWS = 1024
MEDIAN_ROWS = 1000


def cmmd(real: Features, generated: Features, *, sigma: float) -> float:
    """CMMD of features [M, F] and [N, F]: at least 0 up to rounding, 0 for equal sets.

    The estimate is biased upward, by about SCALE (1 - mean kernel) (1 / M + 1 / N).
    """
    first, second = _scaled(real, generated, sigma)
    return SCALE * (_mean(first, first) + _mean(second, second) - 2.0 * _mean(first, second))


def bandwidth(real: Features) -> float:
    """The median distance between two of at most `MEDIAN_ROWS` real images, evenly chosen from [M, F]; M at least 2.

    1 if the median is 0, because most images are equal.
    """
    some = np.asarray(real[:: max(1, math.ceil(len(real) / MEDIAN_ROWS))], np.float64)
    squares = _halved_squares(some - some.mean(axis=0), some - some.mean(axis=0)) * 2.0
    median = float(np.median(squares[np.triu_indices(len(some), 1)]))
    return math.sqrt(median) if median > 0 else 1.0


def _scaled(real: Features, generated: Features, sigma: float) -> tuple[Floats, Floats]:
    """Features relative to the real mean, in units of sigma."""
    centre = np.mean(real, axis=0, dtype=np.float64)
    first, second = (np.subtract(each, centre, dtype=np.float64) / sigma for each in (real, generated))
    return first, second


def _mean(first: Floats, second: Floats) -> float:
    return float(_row_means(first, second).mean())


def _row_means(first: Floats, second: Floats) -> Floats:
    """The mean kernel of each row of `first` [A, F] to all rows of `second`: [A]."""
    means = np.empty(len(first))
    for rows in _parts(len(first)):
        sums = np.zeros(rows.stop - rows.start)
        for columns in _parts(len(second)):
            sums += np.exp(-_halved_squares(first[rows], second[columns])).sum(axis=1)
        means[rows] = sums / len(second)
    return means


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, min(start + TILE_ROWS, count)) for start in range(0, count, TILE_ROWS))


def _halved_squares(first: Floats, second: Floats) -> Floats:
    """|x - y|^2 / 2 of each pair of rows, at least 0."""
    halves: Floats = 0.5 * np.sum(first**2, axis=1)[:, None] + 0.5 * np.sum(second**2, axis=1) - first @ second.T
    return np.maximum(halves, 0.0)


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`cmmd` of all images, with the median distance of real images as bandwidth, without an interval."""
    real, generated = comparison.real.features, comparison.generated.features
    return {"cmmd": LazyScore(cmmd(real, generated, sigma=bandwidth(real)))}
