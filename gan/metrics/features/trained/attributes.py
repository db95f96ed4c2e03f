"""Images with binary attributes, such as CelebA: the network learns all; combinations of a few are the modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import AttributeModes, balanced_accuracies, choose_attributes
from gan.metrics.features.trained import quality, training, trunk
from gan.metrics.features.trained.task import Examples, Task
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels


class Attributes(Task):
    """A sigmoid for each attribute. Training images are mirrored at random."""

    kind = "attributes"
    suffix = "cnn"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        return training.train(
            lambda: trunk.build(examples.pixels.shape[1:], len(examples.attribute_names), "sigmoid"),
            examples.pixels,
            (examples.attributes > 0).astype(np.float32),
            binary_cross_entropy,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            augment=mirror,
        )

    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:  # noqa: D102
        accuracies = balanced_accuracies(output.outputs, examples.attributes)
        return {
            **quality.of_attributes(output.outputs, examples.attributes),
            "balanced_accuracies": dict(zip(examples.attribute_names, accuracies.tolist(), strict=True)),
        }

    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> AttributeModes:  # noqa: D102
        accuracies = balanced_accuracies(output.outputs, examples.attributes)
        return choose_attributes(examples.attribute_names, output.outputs, accuracies, options.mode_attributes)


def mirror(pixels: Pixels, wanted: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mirror about half of the images [N, H, W, C] left to right."""
    flipped = rng.random(len(pixels)) < 0.5
    return np.where(flipped[:, None, None, None], pixels[:, :, ::-1], pixels), wanted


def binary_cross_entropy(wanted: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean over images and attributes of the cross-entropy of probabilities [N, A] against 0 or 1."""
    return tf.reduce_mean(keras.losses.binary_crossentropy(wanted, predicted))
