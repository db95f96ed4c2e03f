"""The deterministic training loop of feature networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gan.util import log

if TYPE_CHECKING:
    from gan.types import Pixels

    AugmentFn = Callable[[Pixels, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    LossFn = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

LEARNING_RATE = 2e-3


def train(
    build: Callable[[], keras.Model],
    pixels: Pixels,
    targets: np.ndarray,
    loss: LossFn,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    augment: AugmentFn | None = None,
) -> keras.Model:
    """Build a network and train its second output by Adam with cosine decay of the learning rate to 0.

    The same arguments give the same weights on the same machine.

    Args:
        build: makes the network, after the seeds are set.
        pixels: uint8 [N, H, W, C].
        targets: [N] or [N, O].
        loss: (targets, outputs) -> mean loss of a batch.
        epochs: passes over the images.
        batch_size: images per step, at most N.
        seed: of weights, dropout and order.
        augment: applied to the pixels and targets of each batch.
    """
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    model = build()
    batch_size = min(batch_size, len(pixels))
    steps = len(pixels) // batch_size
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)

    def step(images: tf.Tensor, batch_targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            _, outputs = model(images, training=True)
            batch_loss = loss(batch_targets, outputs)
        gradients = tape.gradient(batch_loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return batch_loss

    compiled = tf.function(step)
    rng = np.random.default_rng(seed)
    with log.progress("train the feature network", epochs * steps) as advance:
        for _ in range(epochs):
            order = rng.permutation(len(pixels))
            for at in range(0, steps * batch_size, batch_size):
                rows = np.sort(order[at : at + batch_size])
                images, batch_targets = pixels[rows], targets[rows]
                if augment is not None:
                    images, batch_targets = augment(images, batch_targets, rng)
                batch_loss = compiled(tf.constant(images), tf.constant(batch_targets))
                advance(loss=float(batch_loss))
    return model
