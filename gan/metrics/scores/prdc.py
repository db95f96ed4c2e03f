"""Precision, recall, density and coverage: fidelity and diversity by nearest neighbours.

Precision and recall: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models",
equations 1 and 2. Density and coverage: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
Models", equations 3 and 4. A set is represented by balls around its points; the radius is the distance to the point's
k-th nearest neighbour within the set.

All four depend on the numbers of images on both sides; the authors compare equal numbers, and so does `gan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.distances import Normalisation, Points, digests, normalisation_of, normalised
from gan.metrics.maths.estimate import LazyScore, mean, share
from gan.metrics.maths.neighbours import BlockPair, NearestCollector

if TYPE_CHECKING:
    from gan.metrics.maths.distances import Indices
    from gan.types import Features, Floats


class Prdc(NamedTuple):
    """One number per image; each score is their mean.

    precision: bool [N], the generated image is in the ball of a real one.
    recall: bool [M], the real image is in the ball of a generated one.
    density: float64 [N], the number of balls of real images that hold the generated one, divided by k.
    coverage: bool [M], the ball of the real image holds a generated one.
    """

    precision: npt.NDArray[np.bool_]
    recall: npt.NDArray[np.bool_]
    density: Floats
    coverage: npt.NDArray[np.bool_]


class Balls(NamedTuple):
    """A set [N, F] as balls around its points. Of equal points at most k + 1 are used, since more change nothing.

    points: the points that are used.
    first: int [N], the first row that equals each row; it is used.
    weights: int [N], how many rows each used row represents.
    squared_radii: float64 [N], of the used rows.
    """

    points: Points
    first: Indices
    weights: npt.NDArray[np.int64]
    squared_radii: Floats


def prdc(real: Features, generated: Features, *, neighbours: int) -> Prdc:
    """Indicators for real features [M, F] and generated ones [N, F]; `neighbours` is k, below both M and N.

    Balls include their surface. Memory: a float32 copy of both sets, and tiles of 4 MB.

    Raises:
        DataError: a feature is not a finite number.
    """
    normalisation = normalisation_of(real, generated)
    real_balls, generated_balls = _balls(real, normalisation, neighbours), _balls(generated, normalisation, neighbours)
    recalled, covered = np.zeros(len(real), np.bool_), np.zeros(len(real), np.bool_)
    counts = np.zeros(len(generated), np.int64)
    blocks = generated_balls.points.blocks()
    for rows in real_balls.points.blocks():
        for columns in blocks:
            pair = BlockPair(real_balls.points, rows, generated_balls.points, columns)
            centres, inside = pair.within(real_balls.squared_radii[rows.rows])
            covered[centres] = True
            np.add.at(counts, inside, real_balls.weights[centres])
            _, recalled_rows = pair.transposed.within(generated_balls.squared_radii[columns.rows])
            recalled[recalled_rows] = True
    counts = counts[generated_balls.first]
    return Prdc(counts > 0, recalled[real_balls.first], counts / neighbours, covered[real_balls.first])


def squared_radii(features: Features, neighbours: int) -> Floats:
    """Squared distance from each point [N, F] to its k-th nearest other point: [N]. k is at least 1 and below N."""
    balls = _balls(features, normalisation_of(features), neighbours)
    return balls.squared_radii[balls.first]


def _balls(features: Features, normalisation: Normalisation, neighbours: int) -> Balls:
    first_rows: dict[bytes, int] = {}
    first = np.array([first_rows.setdefault(digest, row) for row, digest in enumerate(digests(features))])
    repeats = _repeats(first)
    rows = np.flatnonzero(repeats <= neighbours)
    weights = (repeats <= neighbours).astype(np.int64)
    np.add.at(weights, first[repeats > neighbours], 1)
    points = normalised(features, normalisation, rows)
    return Balls(points, first, weights, _squared_radii(points, neighbours))


def _repeats(first: Indices) -> Indices:
    """The number of equal rows before each row: [N]."""
    order = np.argsort(first, kind="stable")
    starts = np.searchsorted(first[order], first[order])
    repeats = np.empty(len(first), np.intp)
    repeats[order] = np.arange(len(first)) - starts
    return repeats


def _squared_radii(points: Points, neighbours: int) -> Floats:
    """Each tile is computed once and used for its rows and its columns."""
    blocks = points.blocks(at_least=neighbours + 1)
    nearest = [
        NearestCollector(points.features, block, points.features, points.normalisation.scale, neighbours)
        for block in blocks
    ]
    for block, found in zip(blocks, nearest, strict=True):
        diagonal = np.arange(len(block.rows))
        found.add(BlockPair(points, block, points, block, excluded=(diagonal, diagonal)))
    radii = np.zeros(len(points.features))
    for index, block in enumerate(blocks):
        for other in range(index + 1, len(blocks)):
            pair = BlockPair(points, block, points, blocks[other])
            nearest[index].add(pair)
            nearest[other].add(pair.transposed)
        radii[block.rows], _ = nearest[index].finish()
    return radii


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`precision`, `recall`, `density` and `coverage` of equal numbers of images, the first ones of the larger set.

    The intervals of precision and density are over other generated images, those of recall and coverage over other
    real ones.
    """
    count = min(len(comparison.real), len(comparison.generated))
    real, generated = (each.features[:count] for each in (comparison.real, comparison.generated))
    found = prdc(real, generated, neighbours=comparison.protocol.neighbours)
    return {
        "precision": share(generated=found.precision),
        "recall": share(real=found.recall),
        "density": mean(generated=found.density, low=0.0),
        "coverage": share(real=found.coverage),
    }
