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


def decay_of_half_life(step: Tensor, half_life: float, *, images_per_step: int, ramp_up: float | None) -> Tensor:
    """The decay per step, float32, of a half-life in images: 0.5^(images per step / half-life).

    With a ramp-up the half-life is at most `ramp_up` times the images trained on so far, so that the average follows
    the fast progress of the beginning: Karras et al. (2020), "Training Generative Adversarial Networks with Limited
    Data", arXiv:2006.06676, in their code. Also Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN
    Baseline", arXiv:2501.05441.

    Args:
        step: the number of the step, from 1.
        half_life: in images, > 0.
        images_per_step: the batch size.
        ramp_up: in (0, 1]; None for none.
    """
    images = tf.constant(half_life, tf.float32)
    if ramp_up is not None:
        images = tf.minimum(images, tf.cast(step, tf.float32) * float(images_per_step) * ramp_up)
    return tf.pow(0.5, float(images_per_step) / images)


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
