"""The small convolutional architecture of the trained feature networks, and their deterministic training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gan.config import Reference
from gan.util import log

if TYPE_CHECKING:
    from gan.types import Pixels

    AugmentFn = Callable[[Pixels, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    LossFn = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

FEATURES = 64
FIRST_CHANNELS = 32
MAX_CHANNELS = 64
MIN_SIDE = 7  # feature maps are halved down to this side
BATCH_NORM_MOMENTUM = 0.9  # low, since the statistics must converge within the few steps of a small data set
LEARNING_RATE = 2e-3


def build(image_shape: tuple[int, int, int], outputs: int, activation: str) -> keras.Model:
    """Convolution, BatchNorm, LeakyReLU and pooling until the map is small; then 64 features, then the outputs.

    Args:
        image_shape: (H, W, C).
        outputs: the number of outputs.
        activation: of the outputs: softmax or sigmoid.

    Returns:
        A model from Pixels [N, H, W, C] (uint8 or float, in [0, 255]) to (features float32 [N, 64], outputs float32
        [N, O]). The features are the input of the last layer.
    """
    pixels = keras.Input(image_shape, name="pixels")
    hidden = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    channels = FIRST_CHANNELS
    large = min(image_shape[:2]) >= 4 * MIN_SIDE
    hidden = _convolution(hidden, 0, channels, kernel=5 if large else 3, strides=2 if large else 1)
    block = 1
    while min(hidden.shape[1:3]) >= 2 * MIN_SIDE:
        hidden = keras.layers.MaxPooling2D(name=f"pool_{block}")(hidden)
        channels = min(2 * channels, MAX_CHANNELS)
        hidden = _convolution(hidden, block, channels, kernel=3)
        block += 1
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    hidden = keras.layers.Dropout(0.3, name="dropout")(hidden)
    hidden = keras.layers.Dense(FEATURES, use_bias=False, name="dense")(hidden)
    hidden = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name="dense_norm")(hidden)
    features = keras.layers.LeakyReLU(0.1, dtype="float32", name="features")(hidden)
    predicted = keras.layers.Dense(outputs, activation=activation, dtype="float32", name="outputs")(features)
    return keras.Model(pixels, [features, predicted], name="feature_network")


def _convolution(
    images: keras.KerasTensor, block: int, channels: int, *, kernel: int, strides: int = 1
) -> keras.KerasTensor:
    """A block with explicit layer names: those that Keras generates depend on what was built before."""
    images = keras.layers.Conv2D(
        channels, kernel, strides=strides, padding="same", use_bias=False, name=f"convolution_{block}"
    )(images)
    images = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm_{block}")(images)
    return keras.layers.LeakyReLU(0.1, name=f"activation_{block}")(images)


def train_network(
    pixels: Pixels,
    targets: np.ndarray,
    outputs: int,
    activation: str,
    loss: LossFn,
    options: Reference,
    augment: AugmentFn | None = None,
) -> keras.Model:
    """Build a network and train its second output by Adam with cosine decay of the learning rate to 0.

    The same arguments give the same weights on the same machine.

    Args:
        pixels: uint8 [N, H, W, C].
        targets: [N] or [N, O].
        outputs: O; see `build`.
        activation: of the outputs; see `build`.
        loss: (targets, outputs) -> mean loss of a batch.
        options: the epochs, the images per step, and the seed of weights, dropout and order.
        augment: applied to the pixels and targets of each batch.
    """
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    model = build(pixels.shape[1:], outputs, activation)
    batch_size = min(options.batch_size, len(pixels))
    steps = len(pixels) // batch_size
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * steps)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)

    def step(images: tf.Tensor, batch_targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            _, predicted = model(images, training=True)
            batch_loss = loss(batch_targets, predicted)
        gradients = tape.gradient(batch_loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return batch_loss

    compiled = tf.function(step)
    rng = np.random.default_rng(options.seed)
    with log.progress("train the feature network", options.epochs * steps) as advance:
        for _ in range(options.epochs):
            order = rng.permutation(len(pixels))
            for at in range(0, steps * batch_size, batch_size):
                rows = np.sort(order[at : at + batch_size])
                images, batch_targets = pixels[rows], targets[rows]
                if augment is not None:
                    images, batch_targets = augment(images, batch_targets, rng)
                batch_loss = compiled(tf.constant(images), tf.constant(batch_targets))
                advance(loss=float(batch_loss))
    return model


def cross_entropy(wanted: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of class probabilities [N, K] against classes [N]."""
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(wanted, predicted))
