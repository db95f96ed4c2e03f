"""Fréchet distances: closed forms, a second implementation, and the fallback for covariances without full rank."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.metrics.maths import frechet


def by_matrix_square_root(first: frechet.Gaussian, second: frechet.Gaussian) -> float:
    """The formula as it stands in the paper, with the square root of a matrix that is not symmetric."""
    root = scipy.linalg.sqrtm(first.covariance @ second.covariance).real
    gap = first.mean - second.mean
    return float(gap @ gap + np.trace(first.covariance + second.covariance - 2 * root))


def random_gaussian(rng: np.random.Generator, size: int) -> frechet.Gaussian:
    factor = rng.normal(size=(size, 2 * size))
    return frechet.Gaussian(rng.normal(size=size), factor @ factor.T / (2 * size))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 200])
def test_equals_the_matrix_square_root(size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = random_gaussian(rng, size), random_gaussian(rng, size)
    assert frechet.frechet_distance(first, second) == pytest.approx(by_matrix_square_root(first, second), rel=2e-10)


def test_closed_form_of_commuting_gaussians() -> None:
    deviations, others = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.5])
    first = frechet.Gaussian(np.array([0.0, 1.0, 2.0]), np.diag(deviations**2))
    second = frechet.Gaussian(np.array([1.0, 1.0, 0.0]), np.diag(others**2))
    assert frechet.frechet_distance(first, second) == pytest.approx(5.0 + np.sum((deviations - others) ** 2), rel=1e-12)


def test_closed_form_in_one_dimension() -> None:
    first, second = (
        frechet.Gaussian(np.array([3.0]), np.array([[4.0]])),
        frechet.Gaussian(np.array([0.0]), np.array([[25.0]])),
    )
    assert frechet.frechet_distance(first, second) == pytest.approx(9 + (5 - 2) ** 2, rel=1e-12)


def test_a_shift_adds_its_squared_length() -> None:
    features = np.random.default_rng(0).normal(size=(500, 8))
    shift = np.arange(8.0)
    assert frechet.frechet_distance(frechet.fit(features), frechet.fit(features + shift)) == pytest.approx(
        shift @ shift, rel=1e-9
    )


def test_fit_is_the_covariance_over_n_minus_1_in_float64() -> None:
    features = np.random.default_rng(0).normal(loc=1e4, size=(50, 3)).astype(np.float32)
    found = frechet.fit(features)
    np.testing.assert_allclose(found.covariance, np.cov(features.astype(np.float64), rowvar=False), rtol=1e-12)
    assert found.covariance.dtype == np.float64


@pytest.mark.parametrize(("rank", "other_rank"), [(3, 3), (3, 10), (10, 3), (0, 10), (10, 0), (0, 0)])
def test_rank_deficient_covariances(rank: int, other_rank: int) -> None:
    """In an eigenbasis that both share, the closed form holds whatever the rank."""
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    variances, others = np.zeros(10), np.zeros(10)
    variances[:rank], others[:other_rank] = rng.uniform(1, 2, rank), rng.uniform(1, 2, other_rank)
    first = frechet.Gaussian(np.zeros(10), basis @ np.diag(variances) @ basis.T)
    second = frechet.Gaussian(np.zeros(10), basis @ np.diag(others) @ basis.T)
    expected = np.sum((np.sqrt(variances) - np.sqrt(others)) ** 2)
    assert frechet.frechet_distance(first, second) == pytest.approx(expected, abs=1e-7)


def test_both_paths_agree_where_both_are_sound() -> None:
    rng = np.random.default_rng(2)
    first, second = random_gaussian(rng, 30).covariance, random_gaussian(rng, 30).covariance
    assert frechet._trace_of_root_by_eigenvectors(first, second) == pytest.approx(
        frechet.trace_of_root(first, second), rel=1e-12
    )


@pytest.mark.parametrize("samples", [2, 20, 40, 51])
def test_one_side_without_full_rank_takes_the_fast_path_to_the_same_value(samples: int) -> None:
    rng = np.random.default_rng(samples)
    many, few = (
        frechet.fit(rng.normal(size=(500, 50))).covariance,
        frechet.fit(rng.normal(size=(samples, 50))).covariance,
    )
    exact = frechet._trace_of_root_by_eigenvectors(many, few)
    assert frechet.trace_of_root(many, few) == pytest.approx(exact, rel=1e-7)
    assert frechet.trace_of_root(few, many) == pytest.approx(exact, rel=1e-7)


def test_fewer_samples_than_features() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.normal(size=(20, 50)), rng.normal(size=(2000, 50))
    found = frechet.frechet_distance(frechet.fit(many), frechet.fit(few))
    ridge = 1e-9 * np.eye(50)  # the square root of a singular matrix is not sound without
    first, second = frechet.fit(many), frechet.fit(few)
    expected = by_matrix_square_root(first, second._replace(covariance=second.covariance + ridge))
    assert found == pytest.approx(expected, rel=1e-3)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 12))
def test_is_symmetric_and_zero_for_equal(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = random_gaussian(rng, size), random_gaussian(rng, size)
    there, back = frechet.frechet_distance(first, second), frechet.frechet_distance(second, first)
    assert there == pytest.approx(back, rel=1e-8, abs=1e-10)
    assert frechet.frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)


def test_fid_at_infinity_has_far_less_bias() -> None:
    """Against the same Gaussian, whose distance at infinity is 0."""
    rng = np.random.default_rng(4)
    target = frechet.Gaussian(np.zeros(16), np.eye(16))
    sets = [rng.normal(size=(200, 16)) for _ in range(40)]
    plain = np.mean([frechet.frechet_distance(target, frechet.fit(each)) for each in sets])
    extrapolated = np.mean([frechet.fid_at_infinity(target, each, np.random.default_rng(0)) for each in sets])
    assert abs(extrapolated) < 0.1 * plain
    again = [frechet.fid_at_infinity(target, sets[0], np.random.default_rng(1)) for _ in range(2)]
    assert again[0] == again[1]
