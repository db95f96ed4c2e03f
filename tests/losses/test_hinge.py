from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.losses import hinge

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-1e3, 1e3))


def beyond(sign: float) -> Any:
    """Logits on the right side of the margin."""
    return arrays(np.float64, (5, 1), elements=st.floats(1, 1e3)).map(lambda logits: sign * logits)


def test_known_values() -> None:
    zeros = np.zeros((2, 1))
    assert float(hinge.hinge_discriminator(zeros, zeros)) == 2.0
    assert float(hinge.hinge_discriminator(np.array([[0.5], [2.0]]), np.array([[-3.0], [1.0]]))) == 0.25 + 1.0


@given(real=LOGITS, fake=LOGITS)
def test_it_equals_numpys_and_is_never_negative(real: Any, fake: Any) -> None:
    found = float(hinge.hinge_discriminator(real, fake))
    assert found == pytest.approx(np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean(), abs=1e-9)
    assert found >= 0


@given(real=beyond(1.0), fake=beyond(-1.0))
def test_beyond_the_margins_it_is_exactly_zero(real: Any, fake: Any) -> None:
    assert float(hinge.hinge_discriminator(real, fake)) == 0.0


def test_there_is_no_gradient_beyond_the_margins_and_a_constant_one_within(automatic: Any) -> None:
    logits = np.array([[-3.0], [-0.5], [0.5], [3.0]])
    within = np.zeros((4, 1))
    for_real = automatic(lambda real: hinge.hinge_discriminator(real, within), logits)
    np.testing.assert_array_equal(for_real, [[-0.25], [-0.25], [-0.25], [0.0]])
    for_fake = automatic(lambda fake: hinge.hinge_discriminator(within, fake), logits)
    np.testing.assert_array_equal(for_fake, [[0.0], [0.25], [0.25], [0.25]])


def test_gradients_equal_finite_differences(automatic: Any, finite_differences: Any) -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 6, 1))

    def function(logits: Any) -> Any:
        return hinge.hinge_discriminator(logits, fake)

    np.testing.assert_allclose(automatic(function, real), finite_differences(function, real), atol=1e-8)


def test_its_generator_is_linear() -> None:
    made = hinge.make(hinge.Options())
    assert float(made.generator(np.array([[1.0], [-4.0]]))) == 1.5
    assert not made.logit_is_log_ratio
