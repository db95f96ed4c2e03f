"""MIND: the sliced Wasserstein distance between real and generated features.

After Berthet et al. 2026, "MIND: Monge Inception Distance for Generative Models Evaluation" (arXiv 2605.06797), by the
definition of Bonneel et al. 2015, "Sliced and Radon Wasserstein Barycenters of Measures": the mean over
random directions of the squared one-dimensional Wasserstein-2 distance, found by sorting. It fits no covariance, so it
needs fewer images than FID and covers more than two moments.

The mean is multiplied by the number of features F to have the units of FID: for a set and its translation both scores
are |shift|^2. Berthet et al. use Inception-v3; whether they scale the mean the same way was not checked, so values
can't be compared with theirs, nor between networks or numbers of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore

if TYPE_CHECKING:
    from gan.types import Features, Floats

DIRECTIONS = 1000
TILE_BYTES = 2**25  # of projected features, in float64


def mind(real: Features, generated: Features, *, directions: int, rng: np.random.Generator) -> float:
    """F times the mean over directions of the squared distance: at least 0, and near 0 only for equal distributions.

    Args:
        real: [M, F].
        generated: [N, F].
        directions: how many are drawn, at least 1.
        rng: draws them; use the same seed for scores that are compared.
    """
    return float(real.shape[1] * sliced_distances(real, generated, directions=directions, rng=rng).mean())


def sliced_distances(real: Features, generated: Features, *, directions: int, rng: np.random.Generator) -> Floats:
    """Squared Wasserstein-2 distance along random directions: float64 [directions].

    Arguments as of `mind`. Memory: `TILE_BYTES`, and a float64 copy of the features.
    """
    centre = np.mean(real, axis=0, dtype=np.float64)
    sides = [np.subtract(each, centre, dtype=np.float64) for each in (real, generated)]
    step = max(1, TILE_BYTES // (8 * max(map(len, sides))))
    counts = [min(step, directions - start) for start in range(0, directions, step)]
    return np.concatenate([_along(*(each @ axes for each in sides)) for axes in _axes(real.shape[1], counts, rng)])


def _axes(features: int, counts: list[int], rng: np.random.Generator) -> list[Floats]:
    """Unit vectors, uniform on the sphere: [F, count] each."""
    drawn = [rng.normal(size=(count, features)).T for count in counts]
    return [each / np.linalg.norm(each, axis=0) for each in drawn]


def _along(first: Floats, second: Floats) -> Floats:
    """Squared Wasserstein-2 distances of columns [M, D] and [N, D]: [D].

    Sorted values are the quantile functions. If M differs from N, both are step functions with widths 1 / M and 1 / N,
    integrated piecewise between the union of their steps.
    """
    first.sort(axis=0)
    second.sort(axis=0)
    if len(first) == len(second):
        return np.asarray(np.mean((first - second) ** 2, axis=0))
    ends = np.union1d(len(second) * np.arange(1, len(first) + 1), len(first) * np.arange(1, len(second) + 1))
    weights = np.diff(ends, prepend=0) / ends[-1]
    gaps = first[(ends - 1) // len(second)] - second[(ends - 1) // len(first)]
    return np.asarray(weights @ gaps**2)


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`mind` of all images, along seeded directions, without an interval."""
    rng = np.random.default_rng([comparison.protocol.seed, 5])
    real, generated = comparison.real.features, comparison.generated.features
    return {"mind": LazyScore(mind(real, generated, directions=DIRECTIONS, rng=rng))}
