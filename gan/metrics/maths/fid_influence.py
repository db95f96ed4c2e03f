"""What each image contributes to FID (`gan.metrics.maths.contributions`), in closed form instead of by bootstrap.

With real covariance A and generated covariance B, both Gaussians have the same diagonal covariance D in coordinates u
with u_generated = K^T (x - mean), u_real = K^-1 (x - mean), where T = K K^T maps one Gaussian onto the other (the
optimal transport, Dowson & Landau 1982; Olkin & Pukelsheim 1982). There, with L L^T = A and L^T B L = V D^2 V^T:

    K = L V D^(-1/2),   K^-T = B L V D^(-3/2)    (no inverse of A or B: both may lack full rank)

Leaving image i out takes a multiple of u u^T off D, and

    Tr (W - a y y^T)^(1/2) - Tr W^(1/2) = 1/(2 pi) integral_0^inf t^(-1/2) log(1 - a y^T (W + t)^-1 y) dt

(the matrix determinant lemma within Tr W^(1/2) = 1/pi integral t^(-1/2) Tr W (W + t)^-1 dt) gives the exact jackknife
from the squared coordinates alone. To second order the distance is Bures' metric at D (Bhatia, Jain & Lim 2019,
"On the Bures-Wasserstein distance between positive definite matrices"):

    |shift of the means|^2 + 1/2 sum_ij (P - Q)_ij^2 / (d_i + d_j)     for covariances D + P and D + Q

which gives rows 1 and 2. Directions in which one of the sets has no variance are left out: their part of D does not
change with the weights.

Cost: at most two decompositions of matrices [F, F], and eight products of [N, F] with [F, F] per side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

from gan.metrics.maths import frechet
from gan.metrics.maths.contributions import Contributions, halves

if TYPE_CHECKING:
    from gan.types import Features, Floats

TILE_ROWS = 1024
MIN_IMAGES = 3  # leaving one out must leave a covariance
LOG_STEP, LOG_MARGIN = (
    1.2,
    28.0,
)  # of the trapezoidal rule in log t, and how far it reaches beyond the eigenvalues: error 1e-6
Rows = npt.NDArray[np.float32]


class _Side(NamedTuple):
    """One set of images: the Gaussian, its features in the common coordinates, and the moments of its halves."""

    row: Floats  # [N] contributions
    coordinates: Rows  # u [N, K]
    inflation: Floats  # [N] ratio of the trace lost without an image to the first-order estimate
    mean: Floats  # [K] sum of s u / N over images, s the halves
    product: Floats  # [K, K] sum of s u u^T / N


def influence(real: Features, generated: Features) -> Contributions:
    """What each image contributes to the FID of `real` [M, F] and `generated` [N, F]; three rows.

    With fewer than 3 images on a side the contributions are NaN, and standard errors from them infinite.
    """
    if min(len(real), len(generated)) < MIN_IMAGES:
        return Contributions(np.full((3, len(generated)), np.nan), np.full((3, len(real)), np.nan))
    first, second = frechet.fit(real), frechet.fit(generated)
    to_generated, to_real, deviations = _common_coordinates(first.covariance, second.covariance)
    gap = second.mean - first.mean
    here = _side(generated, second.mean, to_generated, deviations, gap)
    there = _side(real, first.mean, to_real, deviations, -gap)
    return Contributions(_rows(here, there, deviations), _rows(there, here, deviations))


def _common_coordinates(real: Floats, generated: Floats) -> tuple[Floats, Floats, Floats]:
    """K [F, K], K^-T [F, K] and the diagonal of D [K] (see the module); the size K is the common rank of both sides."""
    lower = frechet.sound_cholesky(real)
    if lower is None:
        lower = frechet.thin_root(real)
    eigenvalues, vectors = scipy.linalg.eigh(lower.T @ generated @ lower, overwrite_a=True, check_finite=False)
    kept = frechet.above_rounding(eigenvalues)
    deviations = np.sqrt(eigenvalues[kept])
    basis = lower @ vectors[:, kept]
    return basis / np.sqrt(deviations), generated @ basis / deviations**1.5, deviations


def _side(features: Features, mean: Floats, basis: Floats, deviations: Floats, gap: Floats) -> _Side:
    count, rank = len(features), len(deviations)
    coordinates = np.empty((count, rank), np.float32)
    squares, along, traces, inflation = (np.empty(count) for _ in range(4))
    signs, total, product = halves(count) / count, np.zeros(rank), np.zeros((rank, rank))
    for rows in _tiles(count):
        centred = features[rows] - mean
        exact = centred @ basis
        coordinates[rows] = exact
        squares[rows], along[rows] = np.einsum("nf,nf->n", centred, centred), centred @ gap
        traces[rows], inflation[rows] = _trace_without(exact, deviations, count)
        total += signs[rows] @ exact
        product += (coordinates[rows].T * signs[rows].astype(np.float32)) @ coordinates[rows]
    return _Side(_jackknife(squares, along, traces, deviations.sum()), coordinates, inflation, total, product)


def _jackknife(squares: Floats, along: Floats, traces: Floats, trace: float) -> Floats:
    """(N - 1) (FID - FID without image i), less the mean: [N].

    Without image i the mean moves by -(x - mean) / (N - 1), and the covariance becomes
    (N - 1) / (N - 2) (C - N / (N - 1)^2 (x - mean) (x - mean)^T).
    """
    count = len(squares)
    grown = (count - 1) / (count - 2)
    of_mean = -2.0 * along / (count - 1) + squares / (count - 1) ** 2
    of_covariance = -grown * count / (count - 1) ** 2 * squares
    of_root = -2.0 * np.sqrt(grown) * (trace + traces)
    values = -(count - 1) * (of_mean + of_covariance + of_root)
    centred: Floats = values - values.mean()
    return centred


def _trace_without(coordinates: Floats, deviations: Floats, count: int) -> tuple[Floats, Floats]:
    """The change of Tr D without image i (below 0), and its ratio to the derivative (at least 1): [rows] each."""
    if not deviations.size:
        return np.zeros(len(coordinates)), np.ones(len(coordinates))
    share = count / (count - 1) ** 2
    low, high = 2.0 * np.log(deviations[[0, -1]])
    points = np.exp(np.arange(low - LOG_MARGIN, high + LOG_MARGIN, LOG_STEP))
    squares = coordinates**2
    leverage = share * (squares * deviations) @ (1.0 / np.add.outer(deviations**2, points))
    gone = np.log1p(-np.minimum(leverage, 1.0 - frechet.EPSILON)) @ (LOG_STEP * np.sqrt(points)) / (2.0 * np.pi)
    slope = -share / 2.0 * squares.sum(axis=1)
    return gone, np.divide(gone, slope, out=np.ones_like(gone), where=slope < 0.0)


def _rows(side: _Side, other: _Side, deviations: Floats) -> Floats:
    """The three rows of one side, [3, N].

    The covariance includes the image itself, so its coordinates are too small by its leverage, and so are the products
    of rows 1 and 2. The square of `inflation` corrects this.
    """
    count = len(side.row)
    weights = 1.0 / np.add.outer(deviations, deviations)
    signs, rounded, constant = halves(count), weights.astype(np.float32), deviations.sum() / 2.0
    own, across, itself = np.empty(count), np.empty(count), np.empty(count)
    for rows in _tiles(count):
        tile = side.coordinates[rows]
        squares = tile**2
        itself[rows] = squares.sum(axis=1) + np.einsum("nf,nf->n", squares @ rounded, squares) + constant
        own[rows] = _form(tile, side.mean, side.product * weights)
        across[rows] = _form(tile, other.mean, other.product * weights)
    changes = np.stack([own - signs / count * itself, -across]) * side.inflation**2
    return np.vstack([side.row, changes - changes.mean(axis=1, keepdims=True)])


def _form(tile: Rows, linear: Floats, quadratic: Floats) -> Floats:
    """2 m.u + u^T Q u for the rows u of a tile: [rows]."""
    products: Floats = np.einsum("nf,nf->n", tile @ quadratic.astype(np.float32), tile)
    return 2.0 * (tile @ linear) + products


def _tiles(count: int) -> Iterator[slice]:
    return (slice(start, start + TILE_ROWS) for start in range(0, count, TILE_ROWS))
