"""Contributions: means, paired differences, and how many images are needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import IdentityError
from gan.metrics.maths import contributions
from gan.metrics.maths.contributions import Contributions


def drawn(seed: int, count: int = 20, real: int = 30) -> Contributions:
    rng = np.random.default_rng(seed)
    return Contributions(rng.normal(size=(3, count)), rng.normal(size=(3, real)))


def test_the_error_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(size=50)
    expected = np.std(values, ddof=1) / np.sqrt(50)
    assert contributions.standard_error(contributions.of_values(values), over="both") == pytest.approx(expected)
    assert contributions.standard_error(contributions.of_values(real=values), over="real") == pytest.approx(expected)
    assert contributions.standard_error(contributions.of_values(real=values), over="generated") == 0.0


def test_one_image_tells_nothing() -> None:
    assert contributions.standard_error(contributions.of_values(np.ones(1)), over="generated") == np.inf


@given(seed=st.integers(0, 2**32 - 1))
def test_the_difference_is_antisymmetric_and_of_equals_zero(seed: int) -> None:
    first, second = drawn(seed), drawn(seed + 1)
    there, back = contributions.paired_difference(first, second), contributions.paired_difference(second, first)
    np.testing.assert_array_equal(there.generated, -back.generated)
    assert contributions.variance(there) == contributions.variance(back)
    assert contributions.variance(contributions.paired_difference(first, first)).both == 0.0


def test_other_shapes_are_refused() -> None:
    with pytest.raises(IdentityError, match=r"\(3, 20\).*\(3, 21\)"):
        contributions.paired_difference(drawn(0), drawn(0, count=21))


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
def test_halves(count: int) -> None:
    found = contributions.halves(count)
    assert found.shape == (count,)
    assert abs(found.sum()) < 1e-9
    np.testing.assert_array_equal(found, contributions.halves(count))


def test_so_many_samples_do() -> None:
    """With variance s^2 / N and 1.645 s / sqrt(N) < limit: N > (1.645 s / limit)^2."""
    values = np.random.default_rng(1).normal(size=100)
    found = contributions.of_values(values)
    needed = contributions.images_needed(found, over="generated", value=0.0, limit=0.1, confidence=0.95)
    assert needed.samples == pytest.approx((1.6449 * np.std(values, ddof=1) / 0.1) ** 2, abs=1.5)
    assert needed.real is None


def test_real_images_where_samples_never_suffice_and_nothing_where_nothing_does() -> None:
    found = Contributions(np.array([[1.0, -1.0] * 50]), np.array([[1.0, -1.0] * 50]))
    more = contributions.images_needed(found, over="both", value=0.0, limit=0.1, confidence=0.95)
    assert more.real is not None
    assert more.real > 100
    assert more.samples == more.real
    nothing = contributions.images_needed(found, over="both", value=0.2, limit=0.1, confidence=0.95)
    assert nothing == (None, None)
