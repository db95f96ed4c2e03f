"""R1 and R2 in closed form, and with gradients by finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.regularisers import r1, r2
from gan.regularisers.gradient_norm import half_mean_square_norm

GRADIENTS = arrays(np.float64, (3, 2, 2, 2), elements=st.floats(-100, 100))


def test_known_values() -> None:
    gradients = np.zeros((2, 2, 1, 2))
    gradients[0, 0, 0] = [3.0, 4.0]
    assert float(half_mean_square_norm(tf.constant(gradients))) == 25 / 2 / 2
    assert float(half_mean_square_norm(tf.zeros([2, 3, 3, 1]))) == 0.0


@given(GRADIENTS, st.floats(-5, 5))
def test_it_equals_numpys_and_is_quadratic(gradients: Any, factor: float) -> None:
    expected = np.mean([np.linalg.norm(each) ** 2 / 2 for each in gradients])
    assert float(half_mean_square_norm(tf.constant(gradients))) == pytest.approx(expected, rel=1e-9)
    scaled = float(half_mean_square_norm(tf.constant(factor * gradients)))
    assert scaled == pytest.approx(factor**2 * expected, rel=1e-6, abs=1e-9)


def discriminator(images: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Logits [N, 1] that are neither linear nor quadratic in the images."""
    flat = tf.reshape(images, [images.shape[0], -1])
    return tf.reduce_sum(tf.tanh(flat @ weights), axis=1, keepdims=True) + 0.3 * tf.reduce_sum(
        flat**2, 1, keepdims=True
    )


def test_with_gradients_by_finite_differences_it_is_the_same() -> None:
    random = np.random.default_rng(0)
    images = tf.constant(random.normal(size=(3, 2, 2, 1)))
    weights = tf.constant(random.normal(size=(4, 5)))
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = discriminator(images, weights)
    found = half_mean_square_norm(tape.gradient(logits, images))
    squares, step = 0.0, 1e-6
    for pixel in np.ndindex(2, 2, 1):
        moved = np.zeros((3, 2, 2, 1))
        moved[:, *pixel] = step
        slopes = (discriminator(images + moved, weights) - discriminator(images - moved, weights)) / (2 * step)
        squares += np.square(slopes.numpy()).mean() / 2
    assert float(found) == pytest.approx(squares, rel=1e-7)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_of_a_linear_and_of_a_quadratic_discriminator(scale: float) -> None:
    """D(x) = s sum(x): the norm is s sqrt(pixels) everywhere. D(x) = s |x|^2 / 2: it is s |x|."""
    images = tf.constant(np.random.default_rng(1).normal(size=(5, 2, 2, 3)))
    for logits, expected in (
        (lambda x: scale * tf.reduce_sum(x, [1, 2, 3]), scale**2 * 12 / 2),
        (
            lambda x: scale * tf.reduce_sum(x**2, [1, 2, 3]) / 2,
            scale**2 * np.square(images.numpy()).sum(axis=(1, 2, 3)).mean() / 2,
        ),
    ):
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = logits(images)
        assert float(half_mean_square_norm(tape.gradient(value, images))) == pytest.approx(expected, rel=1e-9)


def test_r1_looks_at_real_images_and_r2_at_generated_ones() -> None:
    one, other = r1.make(r1.Options(weight=3.0)), r2.make(r2.Options(weight=4.0, every=16))
    assert (one.weight, one.every, other.weight, other.every) == (3.0, 1, 4.0, 16)
    assert one.of_real_gradients is other.of_fake_gradients is half_mean_square_norm
    assert one.of_fake_gradients is other.of_real_gradients is None
