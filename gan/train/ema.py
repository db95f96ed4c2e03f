"""The exponential moving average (EMA) of the generator, which is what is scored and exported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from gan.types import Tensor


def make_ema(generator: keras.Model) -> keras.Model:
    """A copy of `generator` for its moving average."""
    ema: keras.Model = keras.models.clone_model(generator)
    for mean, variable in zip(ema.variables, generator.variables, strict=True):
        mean.assign(variable)
    return ema


def decay_at(step: Tensor, decay: float, *, ramp_up: bool = True) -> Tensor:
    """The effective decay, float32: min(decay, (1 + step) / (10 + step)) with a ramp-up, else `decay`.

    The ramp-up, the schedule of `tf.train.ExponentialMovingAverage(num_updates=...)`, keeps random initial weights from
    dominating the average of a short run: during it their share after k steps is product((1 + s) / (10 + s), s = 1..k),
    6e-5 after ten. A run that starts from trained weights must keep them: without a ramp-up their share is decay^k.

    Args:
        step: the number of the step, from 1.
        decay: in [0, 1).
        ramp_up: whether the average starts from random weights.
    """
    full = tf.constant(decay, tf.float32)
    if not ramp_up:
        return full
    step = tf.cast(step, tf.float32)
    return tf.minimum(full, (1.0 + step) / (10.0 + step))


def update(means: Iterable[Any], variables: Iterable[Any], decay: Tensor) -> None:
    """mean <- decay mean + (1 - decay) variable, in place and in float32; integers are copied.

    Args:
        means: Keras variables.
        variables: the averaged ones, including BatchNorm's moving statistics.
        decay: float32 scalar in [0, 1); at 0 the means equal the variables exactly.
    """
    for mean, variable in zip(means, variables, strict=True):
        value = tf.convert_to_tensor(variable)
        if value.dtype.is_floating:
            value = decay * tf.convert_to_tensor(mean) + (1.0 - decay) * value
        mean.assign(value)
