from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.losses import LOSSES, wasserstein

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-1e3, 1e3))


def test_known_values() -> None:
    real, fake = np.array([[1.0], [3.0]]), np.array([[-1.0], [0.0]])
    assert float(wasserstein.wasserstein_critic(real, fake)) == -2.5
    assert float(wasserstein.wasserstein_generator(fake)) == 0.5


@given(real=LOGITS, fake=LOGITS, shift=st.floats(-1e3, 1e3))
def test_the_critics_loss_is_shift_invariant_and_antisymmetric(real: Any, fake: Any, shift: float) -> None:
    found = float(wasserstein.wasserstein_critic(real, fake))
    assert float(wasserstein.wasserstein_critic(real + shift, fake + shift)) == pytest.approx(found, abs=1e-9)
    assert float(wasserstein.wasserstein_critic(fake, real)) == pytest.approx(-found, abs=1e-12)


def test_gradients_are_constant(automatic: Any) -> None:
    logits = np.array([[-5.0], [0.0], [1e4], [3.0]])
    np.testing.assert_array_equal(automatic(wasserstein.wasserstein_generator, logits), np.full((4, 1), -0.25))
    for_real = automatic(lambda real: wasserstein.wasserstein_critic(real, logits), logits)
    np.testing.assert_array_equal(for_real, np.full((4, 1), -0.25))


def test_minus_the_loss_of_a_1_lipschitz_critic_is_at_most_the_distance() -> None:
    """Kantorovich-Rubinstein: for point masses at 0 and 3 the distance is 3, and the critic f(x) = -x attains it."""
    real, fake = np.zeros((4, 1)), np.full((4, 1), 3.0)
    assert -float(wasserstein.wasserstein_critic(-real, -fake)) == 3.0
    assert -float(wasserstein.wasserstein_critic(np.sin(real), np.sin(fake))) < 3.0


def test_clipping_holds_every_weight_within_the_bound_and_leaves_the_others() -> None:
    variables = [keras.Variable(np.array([-3.0, -0.01, 0.005, 2.0])), keras.Variable(np.array([[0.02]]))]
    wasserstein.clip_weights(variables, 0.01)
    np.testing.assert_allclose(variables[0], [-0.01, -0.01, 0.005, 0.01], rtol=1e-6)
    np.testing.assert_allclose(variables[1], [[0.01]], rtol=1e-6)


def test_it_takes_the_clip_value_from_the_config_and_no_penalty() -> None:
    made = wasserstein.make(wasserstein.Options(clip_value=0.5))
    assert made.clip_value == 0.5
    assert made.gradient_penalty == 0
    assert not made.logit_is_log_ratio


@pytest.mark.parametrize("name", ["wasserstein", "wgan_gp"])
def test_a_critic_has_no_decision_boundary_at_zero(name: str) -> None:
    made = LOSSES[name].make(LOSSES[name].options())
    assert not made.zero_is_boundary
    real, fake = tf.constant([[1.5], [-0.4]]), tf.constant([[0.7], [-2.0]])
    assert float(made.discriminator(real + 5.0, fake + 5.0)) == pytest.approx(float(made.discriminator(real, fake)))
