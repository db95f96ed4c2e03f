"""Kernel distance: the squared maximum mean discrepancy between real and generated features.

Bińkowski et al. 2018, "Demystifying MMD GANs", section 3: cubic polynomial kernel k(x, y) = (x.y / F + 1)^3, the
unbiased estimator, averaged over random subsets. Unbiased, so it can be negative, and unlike FID its expectation does
not depend on the number of samples.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gan.types import Features, Floats


class Kid(NamedTuple):
    """The mean over the subsets, and its standard error."""

    value: float
    error: float


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


def subset_size(wanted: int, real: int, generated: int) -> int:
    """Images in a subset: what is wanted, but at most half of the smaller set, or subsets would not differ."""
    return max(2, min(wanted, real // 2, generated // 2))


def kid(real: Features, generated: Features, *, subsets: int, wanted_size: int, rng: np.random.Generator) -> Kid:
    """KID of features [M, F] and [N, F].

    The error is the spread of the subsets scaled from a subset's size m to the n images that there are, by sqrt(m / n):
    the subsets share images, so the spread over sqrt(subsets) would promise too much. It is at least that, though.
    """
    size = subset_size(wanted_size, len(real), len(generated))
    values = [
        polynomial_mmd(
            real[rng.choice(len(real), size, replace=False)],
            generated[rng.choice(len(generated), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    spread = float(np.std(values, ddof=1)) if subsets > 1 else 0.0
    share = max(size / min(len(real), len(generated)), 1.0 / subsets)
    return Kid(float(np.mean(values)), spread * math.sqrt(share))
