"""Latents: seeded, truncated as the distribution should be, and interpolated on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gan.export import latents


def test_the_same_seed_draws_the_same() -> None:
    np.testing.assert_array_equal(latents.draw(5, 7, 3), latents.draw(5, 7, 3))
    assert not np.array_equal(latents.draw(5, 7, 3), latents.draw(5, 7, 4))


def test_fewer_are_the_first_of_more() -> None:
    np.testing.assert_array_equal(latents.draw(3, 7, 0), latents.draw(9, 7, 0)[:3])


def test_they_are_standard_normal() -> None:
    drawn = latents.draw(200, 50, 0)
    assert drawn.dtype == np.float32
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01


@pytest.mark.parametrize("truncation", [latents.MIN_TRUNCATION, 0.5, 2.0])
def test_truncation_gives_the_truncated_normal_distribution(truncation: float) -> None:
    drawn = latents.draw(100, 50, 0, truncation=truncation)
    assert np.abs(drawn).max() <= truncation
    assert stats.kstest(drawn.ravel(), stats.truncnorm(-truncation, truncation).cdf).pvalue > 0.01


@pytest.mark.parametrize("truncation", [0.3, 1.0, 2.5])
def test_truncated_latents_have_the_moments_of_the_truncated_normal(truncation: float) -> None:
    drawn = latents.draw(2000, 100, 1, truncation=truncation).astype(np.float64)
    known = stats.truncnorm(-truncation, truncation)
    standard_error = known.std() / np.sqrt(drawn.size)
    assert abs(drawn.mean()) < 4 * standard_error
    assert drawn.var() == pytest.approx(known.var(), rel=0.02)
    assert stats.kurtosis(drawn.ravel()) == pytest.approx(float(known.stats("k")), abs=0.03)


@given(seed=st.integers(0, 2**32), truncation=st.floats(0.05, 4), size=st.integers(1, 20))
def test_truncated_latents_are_within_and_the_same_for_the_same_seed(seed: int, truncation: float, size: int) -> None:
    drawn = latents.draw(5, size, seed, truncation=truncation)
    assert np.abs(drawn).max() <= truncation
    np.testing.assert_array_equal(drawn, latents.draw(5, size, seed, truncation=truncation))


def test_truncation_keeps_what_is_within() -> None:
    free, truncated = latents.draw(20, 20, 0), latents.draw(20, 20, 0, truncation=1.0)
    within = np.abs(free) <= 1.0
    np.testing.assert_array_equal(free[within], truncated[within])


def test_a_quarter_circle_in_three_steps() -> None:
    points = latents.interpolation(np.array([1, 0], np.float32), np.array([0, 1], np.float32), 3)
    np.testing.assert_allclose(points, [[1, 0], [0.5**0.5, 0.5**0.5], [0, 1]], atol=1e-7)


@given(seed=st.integers(0, 1000), size=st.integers(2, 64), steps=st.integers(2, 12))
def test_a_walk_goes_from_end_to_end_in_equal_angles(seed: int, size: int, steps: int) -> None:
    ends = latents.draw(2, size, seed)
    start, end = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    points = latents.interpolation(start, end, steps)
    np.testing.assert_allclose(points[[0, -1]], [start, end], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0, atol=1e-5)
    turns = np.sum(points[:-1] * points[1:], axis=1)
    np.testing.assert_allclose(turns, turns[0], atol=1e-4)


@pytest.mark.parametrize("end", [[2.0, 4.0], [0.0, 0.0]])
def test_without_an_angle_a_walk_is_straight(end: list[float]) -> None:
    points = latents.interpolation(np.array([1, 2], np.float32), np.array(end, np.float32), 3)
    np.testing.assert_allclose(points[1], (np.array([1, 2]) + end) / 2)


def test_rows_of_interpolations_are_independent() -> None:
    points = latents.interpolations(3, 4, 6, seed=0)
    ends = latents.draw(6, 6, 0)
    assert points.shape == (12, 6)
    np.testing.assert_allclose(points[[0, 3, 4, 7, 8, 11]], ends, atol=1e-6)
