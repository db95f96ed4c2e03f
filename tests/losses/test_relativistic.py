from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.losses import relativistic
from gan.losses.cross_entropy import cross_entropy

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-30, 30))
MADE = relativistic.make(relativistic.Options())


def test_known_values() -> None:
    zeros = np.zeros((3, 1))
    assert float(MADE.discriminator(zeros, zeros)) == pytest.approx(np.log(2))
    assert float(MADE.generator(zeros, zeros)) == pytest.approx(np.log(2))
    real, fake = np.array([[np.log(3.0)], [0.0]]), np.array([[0.0], [np.log(7.0)]])
    assert float(MADE.discriminator(real, fake)) == pytest.approx((np.log(4 / 3) + np.log(8)) / 2)


@given(real=LOGITS, fake=LOGITS)
def test_it_is_the_cross_entropy_of_which_image_of_a_pair_is_real(real: Any, fake: Any) -> None:
    assert float(MADE.discriminator(real, fake)) == pytest.approx(float(cross_entropy(real - fake, 1.0)), abs=1e-9)
    assert float(MADE.discriminator(real, fake)) == pytest.approx(np.logaddexp(0, fake - real).mean(), abs=1e-9)
    assert float(MADE.generator(fake, real)) == pytest.approx(np.logaddexp(0, real - fake).mean(), abs=1e-9)


@given(real=LOGITS, fake=LOGITS, shift=st.floats(-100, 100))
def test_only_differences_of_logits_matter(real: Any, fake: Any, shift: float) -> None:
    for function in (MADE.discriminator, lambda real, fake: MADE.generator(fake, real)):
        assert float(function(real + shift, fake + shift)) == pytest.approx(float(function(real, fake)), abs=1e-9)


@given(real=LOGITS, fake=LOGITS)
def test_the_generator_has_the_loss_of_the_discriminator_with_the_roles_exchanged(real: Any, fake: Any) -> None:
    assert float(MADE.generator(fake, real)) == float(MADE.discriminator(fake, real))


def test_pairs_are_by_position() -> None:
    real, fake = np.array([[2.0], [-2.0]]), np.array([[1.0], [-3.0]])
    assert float(MADE.discriminator(real, fake)) == pytest.approx(np.log1p(np.exp(-1.0)))
    assert float(MADE.discriminator(real, fake[::-1])) != float(MADE.discriminator(real, fake))


def test_gradients_equal_finite_differences(automatic: Any, finite_differences: Any) -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 6, 1))
    for function, at in (
        (lambda logits: MADE.discriminator(logits, fake), real),
        (lambda logits: MADE.discriminator(real, logits), fake),
        (lambda logits: MADE.generator(logits, real), fake),
    ):
        np.testing.assert_allclose(automatic(function, at), finite_differences(function, at), atol=1e-8)


def test_the_generator_needs_a_real_batch() -> None:
    assert MADE.needs_real_logits
    with pytest.raises(ValueError, match="needs the logits of a real batch"):
        MADE.generator(np.zeros((2, 1)))
