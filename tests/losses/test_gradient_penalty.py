from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.losses.gradient_penalty import gradient_penalty, interpolate, penalty
from gan.networks import dcgan_discriminator

IMAGES = arrays(np.float64, (3, 4, 4, 1), elements=st.floats(-1, 1))
ALPHA = arrays(np.float64, (3, 1, 1, 1), elements=st.floats(0, 1))


def linear(direction: Any) -> Any:
    """The critic x -> <direction, x>."""
    return lambda images: tf.reduce_sum(images * direction, axis=[1, 2, 3])[:, None]


@given(real=IMAGES, fake=IMAGES, alpha=ALPHA)
def test_interpolates_lie_between_each_pair(real: Any, fake: Any, alpha: Any) -> None:
    points = interpolate(real, fake, alpha)
    np.testing.assert_allclose(points, alpha * real + (1 - alpha) * fake, atol=1e-12)
    np.testing.assert_array_equal(interpolate(real, fake, np.zeros((3, 1, 1, 1))), fake)
    np.testing.assert_allclose(interpolate(real, fake, np.ones((3, 1, 1, 1))), real, atol=1e-12)


def test_each_sample_has_an_alpha_of_its_own() -> None:
    real, fake = np.ones((3, 2, 2, 1)), np.zeros((3, 2, 2, 1))
    points = interpolate(real, fake, np.array([0.0, 0.25, 1.0]).reshape(3, 1, 1, 1))
    np.testing.assert_array_equal(np.asarray(points)[:, 0, 0, 0], [0.0, 0.25, 1.0])


@given(real=IMAGES, fake=IMAGES, alpha=ALPHA, norm=st.floats(0.01, 100))
def test_a_linear_critic_is_penalised_for_its_norm(real: Any, fake: Any, alpha: Any, norm: float) -> None:
    """It is 0 for norm 1."""
    direction = np.arange(16, dtype=np.float64).reshape(4, 4, 1)
    direction *= norm / np.linalg.norm(direction)
    found = float(gradient_penalty(linear(direction), tf.constant(real), tf.constant(fake), tf.constant(alpha)))
    assert found == pytest.approx((norm - 1) ** 2, rel=1e-9, abs=1e-12)


def test_the_penalty_of_a_constant_critic_is_1_with_a_finite_gradient() -> None:
    weight, images = tf.Variable(0.0), tf.ones([2, 4, 4, 1])
    with tf.GradientTape() as tape:
        value = gradient_penalty(
            lambda points: weight * tf.reduce_sum(points, axis=[1, 2, 3])[:, None],
            images,
            -images,
            tf.ones([2, 1, 1, 1]),
        )
    assert float(value) == pytest.approx(1.0)
    assert np.isfinite(tape.gradient(value, weight))


def test_the_norm_is_over_all_pixels_of_one_sample() -> None:
    gradients = np.zeros((2, 2, 2, 1))
    gradients[0, 0, 0], gradients[0, 1, 1] = 3.0, 4.0  # norm 5
    gradients[1] = 0.5  # norm 1
    assert float(penalty(tf.constant(gradients))) == pytest.approx((16.0 + 0.0) / 2)


def test_a_quadratic_critic_in_closed_form_with_its_gradient_in_the_weight() -> None:
    """D(x) = a/2 |x|^2 has the gradient a x: the penalty is mean (a |x| - 1)^2, its slope 2 mean (a |x| - 1) |x|."""
    rng = np.random.default_rng(0)
    real, fake, alpha = rng.normal(size=(5, 3, 3, 2)), rng.normal(size=(5, 3, 3, 2)), rng.random((5, 1, 1, 1))
    norms = np.linalg.norm((alpha * real + (1 - alpha) * fake).reshape(5, -1), axis=1)
    weight = tf.Variable(0.7, dtype=tf.float64)
    with tf.GradientTape() as tape:
        found = gradient_penalty(
            lambda points: weight / 2 * tf.reduce_sum(points**2, axis=[1, 2, 3])[:, None],
            *(tf.constant(each) for each in (real, fake, alpha)),
        )
    assert float(found) == pytest.approx(np.mean((0.7 * norms - 1) ** 2))
    assert float(tape.gradient(found, weight)) == pytest.approx(2 * np.mean((0.7 * norms - 1) * norms))


def test_its_gradient_in_the_weights_of_a_real_critic_equals_finite_differences() -> None:
    critic = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.05, dropout=0.0), (8, 8, 1))
    real, fake = (tf.random.stateless_uniform([3, 8, 8, 1], [seed, 0], -1.0, 1.0) for seed in (1, 2))
    alpha = tf.random.stateless_uniform([3, 1, 1, 1], [3, 0])

    def value() -> tf.Tensor:
        return gradient_penalty(lambda images: critic(images, training=True)[0], real, fake, alpha)

    kernel = critic.get_layer("logits").kernel
    with tf.GradientTape() as tape:
        found = value()
    gradient = tape.gradient(found, kernel).numpy()
    before = kernel.numpy()
    direction = gradient / np.linalg.norm(gradient)
    ends = []
    for sign in (1.0, -1.0):
        kernel.assign(before + sign * 1e-2 * direction)
        ends.append(float(value()))
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(np.linalg.norm(gradient), rel=1e-2)


def test_it_works_as_a_graph_on_batches_of_unknown_size() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1])] * 2 + [tf.TensorSpec([None, 1, 1, 1])])
    def graph(real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
        return gradient_penalty(linear(tf.fill([4, 4, 1], 0.25)), real, fake, alpha)

    images = tf.random.stateless_uniform([2, 4, 4, 1], [1, 2])
    assert float(graph(images, -images, tf.zeros([2, 1, 1, 1]))) == pytest.approx(0.0, abs=1e-10)
