from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

Array = npt.NDArray[np.float64]
Gradient = Callable[[Callable[[tf.Tensor], tf.Tensor], Array], Array]


@pytest.fixture
def automatic() -> Gradient:
    """The gradient of a scalar function of an array, by TensorFlow, in float64."""

    def gradient(function: Callable[[tf.Tensor], tf.Tensor], at: Array) -> Array:
        point = tf.constant(at, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = function(point)
        found: Array = tape.gradient(value, point).numpy()
        return found

    return gradient


@pytest.fixture
def finite_differences() -> Gradient:
    """The gradient of a scalar function of an array, by central differences, in float64."""

    def gradient(function: Callable[[tf.Tensor], tf.Tensor], at: Array, step: float = 1e-6) -> Array:
        slopes = np.empty_like(at)
        for index in np.ndindex(*at.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = at.copy()
                moved[index] += sign * step
                ends.append(float(function(tf.constant(moved, tf.float64))))
            slopes[index] = (ends[0] - ends[1]) / (2 * step)
        return slopes

    return gradient
