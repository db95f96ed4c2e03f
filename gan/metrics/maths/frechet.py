"""Fréchet distance between Gaussians fitted to real and to generated features.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", equation 6:

    d^2 = |mu_1 - mu_2|^2 + Tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

The estimate is biased upward by an amount that falls with the number of samples and depends on the generator (Chong &
Forsyth 2020), so values from different numbers of samples can't be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

if TYPE_CHECKING:
    from gan.types import Features, Floats

FEW_IMAGES = 2000  # with fewer on either side, the bias exceeds typical differences between generators
WELL_CONDITIONED = 1e-5  # least ratio of the diagonal of a Cholesky factor: condition number about 1e10
EPSILON = float(np.finfo(np.float64).eps)


class Gaussian(NamedTuple):
    """Mean [F] and covariance [F, F], float64."""

    mean: Floats
    covariance: Floats


def fit(features: Features) -> Gaussian:
    """Mean and covariance (over N - 1) of features [N, F], N at least 2, in float64."""
    exact = np.asarray(features, np.float64)
    mean = exact.mean(axis=0)
    centred = exact - mean
    return Gaussian(mean, centred.T @ centred / (len(exact) - 1))


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """The squared Fréchet (Wasserstein-2) distance between two Gaussians; at least 0, and 0 only if they are equal."""
    gap = first.mean - second.mean
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    distance = gap @ gap + traces - 2.0 * trace_of_root(first.covariance, second.covariance)
    return max(0.0, float(distance))


def fid_at_infinity(real: Gaussian, generated: Features, rng: np.random.Generator) -> float:
    """FID extrapolated to infinitely many generated images: 2 FID_N - FID_(N/2), the latter averaged over two halves.

    The bias of FID is linear in 1/N to first order (Chong & Forsyth 2020, "Effectively Unbiased FID and Inception
    Score", section 3.2). Two disjoint halves use every image at both sizes. Only the number of generated images is
    extrapolated; the finite number of real images still biases the value. If N is below a few times F, a second-order
    bias remains. An unbiased estimate may be negative, so this one is not clipped at 0.

    Args:
        real: mean and covariance of the real features.
        generated: features [N, F], N at least 4.
        rng: divides the images into halves.
    """
    whole = frechet_distance(real, fit(generated))
    halves = np.array_split(rng.permutation(len(generated)), 2)
    return 2.0 * whole - float(np.mean([frechet_distance(real, fit(generated[rows])) for rows in halves]))


def trace_of_root(first: Floats, second: Floats) -> float:
    """Tr (A B)^(1/2) of two covariance matrices [F, F].

    With A = L L^T, A B has the eigenvalues of the symmetric L^T B L. One Cholesky factor and the eigenvalues of a
    symmetric matrix take a seventh of the time of a matrix square root. B may have any rank: eigenvalues that are
    rounding errors of 0 are omitted. If both are rank-deficient (fewer samples than features on both sides), neither
    has an accurate Cholesky factor, and eigenvectors are used instead.
    """
    lower, other = sound_cholesky(first), second
    if lower is None:
        lower, other = sound_cholesky(second), first
    if lower is None:
        return _trace_of_root_by_eigenvectors(first, second)
    eigenvalues = scipy.linalg.eigvalsh(lower.T @ other @ lower, overwrite_a=True, check_finite=False)
    return float(np.sqrt(eigenvalues[above_rounding(eigenvalues)]).sum())


def above_rounding(eigenvalues: Floats) -> npt.NDArray[np.bool_]:
    """Which of the ascending eigenvalues of a positive semi-definite matrix are not rounding errors of 0.

    The square roots of such errors, 1e-8 each, would add up.
    """
    above: npt.NDArray[np.bool_] = eigenvalues > max(eigenvalues[-1], 0.0) * len(eigenvalues) * EPSILON
    return above


def sound_cholesky(matrix: Floats) -> Floats | None:
    """The lower Cholesky factor [F, F] of a covariance matrix, or None if it would be inaccurate."""
    try:
        lower: Floats = scipy.linalg.cholesky(matrix, lower=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    diagonal = np.diagonal(lower)
    return lower if diagonal.min() > WELL_CONDITIONED * diagonal.max() else None


def _trace_of_root_by_eigenvectors(first: Floats, second: Floats) -> float:
    """With A = R R^T and B = S S^T, the eigenvalues of (A B)^(1/2) are the singular values of R^T S."""
    product = thin_root(first).T @ thin_root(second)
    return float(scipy.linalg.svdvals(product).sum()) if product.size else 0.0


def thin_root(matrix: Floats) -> Floats:
    """R [F, rank] with R R^T = `matrix`."""
    eigenvalues, vectors = scipy.linalg.eigh(matrix, check_finite=False)
    kept = above_rounding(eigenvalues)
    root: Floats = vectors[:, kept] * np.sqrt(eigenvalues[kept])
    return root
