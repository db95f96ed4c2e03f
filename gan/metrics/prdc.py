"""Precision, recall, density and coverage: fidelity and diversity by nearest neighbours.

Precision and recall: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models",
equations 1 and 2. Density and coverage: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
Models", equations 3 and 4. A set is pictured as the union of balls around its points, each as wide as the distance to
the point's k-th nearest neighbour within the set.

All four depend on the numbers of images on both sides; the authors compare equally many, and so does `gan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gan.types import Features, Floats

TILE_ROWS = 512
ROUNDING = 1e-10  # of the mean squared norm: ties are not decided by the rounding of a matrix product


class Prdc(NamedTuple):
    """One number an image; each score is a mean of them.

    precision: bool [N], the generated image lies in a ball of a real one.
    recall: bool [M], the real image lies in a ball of a generated one.
    density: float64 [N], balls of real images that the generated one lies in, over k.
    coverage: bool [M], a generated image lies in the ball of the real one.
    """

    precision: npt.NDArray[np.bool_]
    recall: npt.NDArray[np.bool_]
    density: Floats
    coverage: npt.NDArray[np.bool_]


def prdc(real: Features, generated: Features, *, neighbours: int) -> Prdc:
    """Indicators for real features [M, F] and generated ones [N, F]; `neighbours` is k, below both M and N.

    Memory: `TILE_ROWS` rows of distances at a time, whatever M and N.
    """
    centre = np.asarray(real, np.float64).mean(axis=0)
    real_points, generated_points = real - centre, generated - centre
    slack = ROUNDING * float(np.mean(np.sum(real_points**2, axis=1)) + np.mean(np.sum(generated_points**2, axis=1)))
    real_radii = squared_radii(real_points, neighbours) + slack
    generated_radii = squared_radii(generated_points, neighbours) + slack

    recalled = np.zeros(len(real_points), np.bool_)
    covered = np.zeros(len(real_points), np.bool_)
    balls = np.zeros(len(generated_points), np.int64)
    for rows, distances in _tiles(real_points, generated_points):
        in_real_ball = distances <= real_radii[rows, None]
        balls += in_real_ball.sum(axis=0)
        covered[rows] = in_real_ball.any(axis=1)
        recalled[rows] = (distances <= generated_radii).any(axis=1)
    return Prdc(balls > 0, recalled, balls / neighbours, covered)


def squared_radii(points: Floats, neighbours: int) -> Floats:
    """Squared distance from each point [N, F] to its k-th nearest other point: [N]. k is at least 1 and below N."""
    radii = np.empty(len(points))
    for rows, distances in _tiles(points, points):
        distances[np.arange(distances.shape[0]), np.arange(rows.start, rows.stop)] = np.inf  # not its own neighbour
        radii[rows] = np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1]
    return radii


def _tiles(first: Floats, second: Floats) -> Iterator[tuple[slice, Floats]]:
    """Squared Euclidean distances in tiles of rows: (rows of `first`, [rows, N])."""
    second_norms = np.sum(second**2, axis=1)
    for start in range(0, len(first), TILE_ROWS):
        rows = slice(start, min(start + TILE_ROWS, len(first)))
        tile = first[rows]
        distances = tile @ second.T
        distances *= -2.0
        distances += np.sum(tile**2, axis=1)[:, None]
        distances += second_norms
        yield rows, np.maximum(distances, 0.0, out=distances)
