"""BatchNorm statistics of the averaged generator, estimated from its own images.

BatchNorm's moving statistics lag behind the trained weights, and the EMA averages these statistics once more. Neither
are the statistics of the averaged weights. They are re-estimated here by forward passes in training mode: "standing
statistics" (Brock, Donahue and Simonyan, 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis",
arXiv:1809.11096), "precise BN" (Wu and Johnson, 2021, "Rethinking 'Batch' in BatchNorm", arXiv:2105.07576, section 3).
docs/adr/0012-batchnorm-of-the-ema.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

if TYPE_CHECKING:
    import keras

    from gan.types import Tensor

BATCHES = 50
BATCH_SIZE = 64
SEED = 1


def estimate_statistics(generator: keras.Model, label_shares: Sequence[float] | None = None) -> None:
    """Set the moving mean and variance of every BatchNorm layer to those of `BATCHES` batches of images it generates.

    The mean is the mean of the batch means; the variance is the mean of the batch variances plus the variance of the
    batch means (law of total variance). Both are those of all activations together. The latents are fixed, so the same
    weights always get the same statistics.

    Args:
        generator: latents float32 [N, Z], or [latents, labels int32 [N]], to images; changed in place. One without
            BatchNorm stays as it is.
        label_shares: the relative frequency of each class, summing to 1; for a conditional generator.
    """
    layers = list(_norms(generator))
    if not layers:
        return
    forward = tf.function(lambda inputs: generator(inputs, training=True), autograph=False)
    moments = [np.zeros((2, *layer.moving_mean.shape)) for layer in layers]
    with _statistics_of_one_batch(layers):
        for number in range(BATCHES):
            forward(_inputs(generator, number, label_shares))
            for index, layer in enumerate(layers):
                moments[index] += _moments(layer) / BATCHES
    for layer, (mean, square) in zip(layers, moments, strict=True):
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(np.maximum(square - np.square(mean), 0.0))


def _moments(layer: Any) -> npt.NDArray[np.float64]:
    """The first and second moments that correspond to a layer's moving statistics: [2, channels]."""
    mean, variance = (np.asarray(each, np.float64) for each in (layer.moving_mean, layer.moving_variance))
    return np.stack([mean, variance + np.square(mean)])


def _norms(network: Any) -> Iterator[Any]:
    """The BatchNorm layers of a network and of networks nested in it."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer
        elif isinstance(layer, keras.Model):
            yield from _norms(layer)


@contextmanager
def _statistics_of_one_batch(layers: Sequence[Any]) -> Iterator[None]:
    """Inside, a layer's moving statistics are those of the last batch only."""
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 0.0
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def _inputs(generator: keras.Model, number: int, label_shares: Sequence[float] | None) -> Tensor | list[Tensor]:
    latents = tf.random.stateless_normal((BATCH_SIZE, generator.inputs[0].shape[1]), [SEED, 2 * number], alg="philox")
    if label_shares is None:
        return latents
    uniform = tf.random.stateless_uniform((BATCH_SIZE,), [SEED, 2 * number + 1], dtype=tf.float64, alg="philox")
    labels = np.searchsorted(np.cumsum(label_shares)[:-1], uniform.numpy(), side="right")
    return [latents, tf.constant(labels, tf.int32)]
