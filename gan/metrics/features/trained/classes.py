"""Labelled images: the network learns their classes, and each class is a mode."""

from __future__ import annotations

import keras
import tensorflow as tf

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import ClassModes
from gan.metrics.features.trained import quality, training, trunk
from gan.metrics.features.trained.task import Examples, Task
from gan.types import Json


class Classes(Task):
    """Softmax over the classes."""

    kind = "classes"
    suffix = "cnn"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        return training.train(
            lambda: trunk.build(examples.pixels.shape[1:], len(examples.classes), "softmax"),
            examples.pixels,
            examples.labels,
            cross_entropy,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
        )

    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:  # noqa: D102
        return quality.of_classes(output.outputs.argmax(axis=1), examples.labels, len(examples.classes))

    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> ClassModes:  # noqa: D102
        return ClassModes(examples.classes)


def cross_entropy(wanted: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of class probabilities [N, K] against classes [N]."""
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(wanted, predicted))
