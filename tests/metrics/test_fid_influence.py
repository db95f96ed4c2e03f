"""Contributions to FID: leaving images out one by one, derivatives by finite differences, and what intervals cover."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics import fid
from gan.metrics.fid_influence import influence


def weighted_distance(real: np.ndarray, generated: np.ndarray, of_real: np.ndarray, of_generated: np.ndarray) -> float:
    """FID of images with weights, by the textbook formula."""

    def fit(images: np.ndarray, weights: np.ndarray) -> fid.Gaussian:
        mean = weights @ images
        return fid.Gaussian(mean, (images - mean).T * weights @ (images - mean) * len(images) / (len(images) - 1))

    return fid.frechet_distance(fit(real, of_real), fit(generated, of_generated))


def by_leaving_out(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The jackknife as defined, FID by FID."""

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        return fid.frechet_distance(fid.fit(first), fid.fit(second))

    def without(images: np.ndarray, index: int) -> np.ndarray:
        return np.delete(images, index, axis=0)

    of_generated = np.array([-distance(real, without(generated, each)) for each in range(len(generated))])
    of_real = np.array([-distance(without(real, each), generated) for each in range(len(real))])
    return (
        (len(generated) - 1) * (of_generated - of_generated.mean()),
        (len(real) - 1) * (of_real - of_real.mean()),
    )


@pytest.mark.parametrize(
    ("count", "real", "size"), [(40, 50, 8), (20, 50, 30), (20, 25, 30), (31, 31, 30), (3, 3, 2), (300, 300, 1)]
)
def test_row_0_is_the_jackknife(count: int, real: int, size: int) -> None:
    rng = np.random.default_rng(count)
    photographs, generated = rng.normal(size=(real, size)), rng.normal(size=(count, size)) * 1.2 + 0.1
    found, (of_generated, of_real) = influence(photographs, generated), by_leaving_out(photographs, generated)
    scale = np.abs(of_generated).max() + np.abs(of_real).max()
    np.testing.assert_allclose(found.generated[0], of_generated, atol=1e-4 * scale)
    np.testing.assert_allclose(found.real[0], of_real, atol=1e-4 * scale)
