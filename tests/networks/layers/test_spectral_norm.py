"""Spectral normalisation against numpy's singular value decomposition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.networks.layers.spectral_norm import SpectralNorm, power_iteration

LAYERS: dict[str, Callable[[], Any]] = {
    "dense": lambda: keras.layers.Dense(5),
    "convolution": lambda: keras.layers.Conv2D(5, 3, padding="same"),
    "einsum": lambda: keras.layers.EinsumDense("nijc,ijc->nc", output_shape=(4,)),
}
IMAGES = tf.random.stateless_normal([2, 4, 4, 4], [1, 2])


def as_matrix(kernel: Any) -> Any:
    return np.reshape(kernel, (-1, kernel.shape[-1]))


def converged(layer: Any, inputs: Any = IMAGES) -> SpectralNorm:
    wrapped = SpectralNorm(layer)
    for _ in range(100):
        wrapped(inputs, training=True)
    return wrapped


@pytest.mark.parametrize("kind", LAYERS)
def test_the_weights_are_divided_by_the_largest_singular_value(kind: str) -> None:
    wrapped = converged(LAYERS[kind]())
    largest = np.linalg.svd(as_matrix(wrapped.layer.kernel.numpy()), compute_uv=False)[0]
    plain = LAYERS[kind]()
    plain.build(IMAGES.shape)
    plain.set_weights([wrapped.layer.kernel.numpy() / largest, *wrapped.layer.get_weights()[1:]])
    np.testing.assert_allclose(wrapped(IMAGES), plain(IMAGES), rtol=1e-3, atol=1e-5)


def test_an_embedding_is_divided_as_well() -> None:
    labels = tf.constant([0, 2, 1])
    wrapped = converged(keras.layers.Embedding(3, 6), labels)
    table = wrapped.layer.embeddings.numpy()
    largest = np.linalg.svd(table, compute_uv=False)[0]
    np.testing.assert_allclose(wrapped(labels), table[[0, 2, 1]] / largest, rtol=1e-3, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_the_estimate_is_at_most_the_largest_singular_value_and_approaches_it(
    rows: int, columns: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, columns)).astype(np.float32)
    vector = random.normal(size=columns).astype(np.float32)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    before = 0.0
    for _ in range(30):
        vector, norm = power_iteration(tf.constant(matrix), vector)
        assert before - 1e-4 <= float(norm) <= largest * 1.0001
        before = float(norm)
    assert before > 0.9 * largest


def test_the_gradient_is_that_of_the_paper() -> None:
    """Equation 12: with G the gradient in the divided weights W / s, that in W is (G - <G, W / s> u v^T) / s."""
    wrapped = converged(keras.layers.Dense(5, use_bias=False), tf.ones([1, 4]))
    inputs, weights = tf.random.stateless_normal([3, 4], [5, 6]), tf.random.stateless_normal([3, 5], [7, 8])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(wrapped(inputs) * weights)
    found = tape.gradient(loss, wrapped.layer.kernel).numpy()
    kernel = wrapped.layer.kernel.numpy()
    left, values, right = np.linalg.svd(kernel)
    given_in_divided = inputs.numpy().T @ weights.numpy()
    parallel = np.sum(given_in_divided * kernel) / values[0]
    expected = (given_in_divided - parallel * np.outer(left[:, 0], right[0])) / values[0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_output_does_not_depend_on_the_scale_of_the_weights() -> None:
    wrapped = converged(keras.layers.Dense(5, use_bias=False))
    before = wrapped(IMAGES).numpy()
    wrapped.layer.kernel.assign(1000.0 * wrapped.layer.kernel)
    np.testing.assert_allclose(wrapped(IMAGES), before, rtol=1e-4, atol=1e-6)


def test_only_training_iterates_and_nothing_changes_the_weights() -> None:
    wrapped = SpectralNorm(keras.layers.Dense(5))
    wrapped.build(IMAGES.shape)
    kernel, vector = wrapped.layer.kernel.numpy(), wrapped.vector.numpy()
    wrapped(IMAGES, training=False)
    np.testing.assert_array_equal(wrapped.vector, vector)
    wrapped(IMAGES, training=True)
    assert np.any(wrapped.vector.numpy() != vector)
    np.testing.assert_array_equal(wrapped.layer.kernel, kernel)


def test_the_state_is_saved_but_not_trained() -> None:
    wrapped = SpectralNorm(keras.layers.Dense(5))
    wrapped.build(IMAGES.shape)
    assert [each is wrapped.vector for each in wrapped.non_trainable_variables] == [True]
    assert len(wrapped.variables) == 3


def test_weights_of_zero_stay_finite() -> None:
    wrapped = SpectralNorm(keras.layers.Dense(5, use_bias=False, kernel_initializer="zeros"))
    assert not np.any(wrapped(IMAGES, training=True))
    assert np.all(np.isfinite(wrapped.vector))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_norm_is_computed_in_float32_under_mixed_precision(
    policy: str, dtype_policy: Callable[[str], None]
) -> None:
    dtype_policy(policy)
    wrapped = converged(keras.layers.Conv2D(5, 3))
    assert wrapped(IMAGES).dtype == policy.removeprefix("mixed_")
    matrix = as_matrix(wrapped.layer.kernel.numpy())
    np.testing.assert_allclose(
        np.linalg.norm(matrix @ wrapped.vector.numpy()), np.linalg.svd(matrix, compute_uv=False)[0], rtol=1e-4
    )
