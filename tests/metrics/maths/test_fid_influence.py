"""Contributions to FID: leaving images out one by one, derivatives by finite differences, and what intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.metrics.maths import frechet
from gan.metrics.maths.contributions import halves, paired_difference, standard_error, variance
from gan.metrics.maths.fid_influence import influence


def weighted_distance(real: np.ndarray, generated: np.ndarray, of_real: np.ndarray, of_generated: np.ndarray) -> float:
    """FID of images with weights, by the textbook formula."""

    def fit(images: np.ndarray, weights: np.ndarray) -> frechet.Gaussian:
        mean = weights @ images
        return frechet.Gaussian(mean, (images - mean).T * weights @ (images - mean) * len(images) / (len(images) - 1))

    return frechet.frechet_distance(fit(real, of_real), fit(generated, of_generated))


def by_leaving_out(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The jackknife as defined, FID by FID."""

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        return frechet.frechet_distance(frechet.fit(first), frechet.fit(second))

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


def test_rows_1_and_2_are_how_the_contributions_change_with_the_weights() -> None:
    """Finite differences of FID in the weights of images, with many images for each feature.

    Row 1: d/ds d/dw_i of FID along the halves s, less the effect of image i's own weight. Row 2: s of the other side.
    """
    rng = np.random.default_rng(4)
    count, step = 200, 1e-3
    real, generated = rng.normal(size=(count, 2)), rng.normal(size=(count, 2)) * 1.5 + 0.3
    even, signs = np.full(count, 1 / count), halves(count) / count

    def gradient(of_real: np.ndarray, of_generated: np.ndarray) -> np.ndarray:
        found = np.empty(count)
        for index in range(count):
            towards = np.eye(count)[index] - of_generated
            ends = [weighted_distance(real, generated, of_real, of_generated + h * towards) for h in (step, -step)]
            found[index] = (ends[0] - ends[1]) / (2 * step)
        return found

    def change(of_real: float, of_generated: float) -> np.ndarray:
        h = 0.05
        ends = [gradient(even + sign * h * of_real * signs, even + sign * h * of_generated * signs) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * h)

    rows = influence(real, generated).generated
    across = change(1.0, 0.0)
    assert np.corrcoef(rows[2], across)[0, 1] > 0.999
    assert np.std(rows[2]) / np.std(across) == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(rows[1], change(0.0, 1.0))[0, 1] > 0.9


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_follows_the_order_of_images_and_swaps_with_the_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    real, generated, order = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)) + 0.2, rng.permutation(30)
    found = influence(real, generated)
    np.testing.assert_allclose(influence(real, generated[order]).generated[0], found.generated[0][order], atol=1e-6)
    swapped = influence(generated, real)
    np.testing.assert_allclose(swapped.real[0], found.generated[0], atol=1e-4 * np.abs(found.generated[0]).max())


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_errors_of_a_score_and_of_a_paired_difference_are_their_spreads(shift: float) -> None:
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(120):
        real, latents = rng.normal(size=(300, 16)), rng.normal(size=(300, 16))
        pair = [latents + shift, latents * 1.1 + shift]
        values = [frechet.frechet_distance(frechet.fit(real), frechet.fit(each)) for each in pair]
        first, second = (influence(real, each) for each in pair)
        errors = [standard_error(each, over="both") for each in (first, paired_difference(second, first))]
        rows.append((values[0], values[1] - values[0], *errors))
    found = np.array(rows)
    ratios = np.sqrt(np.mean(found[:, 2:] ** 2, axis=0)) / found[:, :2].std(axis=0)
    assert np.all((ratios > 0.75) & (ratios < 1.35))


@pytest.mark.parametrize(("count", "real"), [(2, 10), (10, 2)])
def test_too_few_images_have_an_infinite_error(count: int, real: int) -> None:
    rng = np.random.default_rng(6)
    found = influence(rng.normal(size=(real, 3)), rng.normal(size=(count, 3)))
    assert standard_error(found, over="generated") == np.inf
    assert variance(paired_difference(found, found)).both == np.inf


def test_a_collapsed_generator_has_finite_contributions() -> None:
    real = np.random.default_rng(7).normal(size=(50, 4))
    assert standard_error(influence(real, np.ones((30, 4))), over="generated") == 0.0
