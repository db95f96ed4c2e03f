"""The tasks that feature networks are trained on, with the dataset itself.

Labelled images: the network learns their classes, and each class is a mode.

Images with binary attributes, such as CelebA: it learns all; combinations of a few are the modes.

Images without labels: it learns to predict rotations by quarter turns; clusters are the modes. Gidaris et al. 2018,
"Unsupervised Representation Learning by Predicting Image Rotations": to predict the rotation the network has to
recognise the content of the image, so its features describe the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput, extract_all
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import (
    AttributeModes,
    ClassModes,
    ClusterModes,
    balanced_accuracies,
    choose_attributes,
    fit_clusters,
)
from gan.metrics.features.trained import quality
from gan.metrics.features.trained.channels import Channels
from gan.metrics.features.trained.task import Examples, Task
from gan.metrics.features.trained.training import cross_entropy, train_network
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels

TURNS = 4


class Classes(Task):
    """Softmax over the classes."""

    kind = "classes"
    suffix = "cnn"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        return train_network(examples.pixels, examples.labels, len(examples.classes), "softmax", cross_entropy, options)

    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:  # noqa: D102
        return quality.of_classes(output.outputs.argmax(axis=1), examples.labels, len(examples.classes))

    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> ClassModes:  # noqa: D102
        return ClassModes(examples.classes)


class Attributes(Task):
    """A sigmoid for each attribute. Training images are mirrored at random."""

    kind = "attributes"
    suffix = "cnn"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        targets = (examples.attributes > 0).astype(np.float32)
        return train_network(
            examples.pixels, targets, len(examples.attribute_names), "sigmoid", binary_cross_entropy, options, mirror
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


class Rotation(Task):
    """Softmax over the four quarter turns of square images."""

    kind = "rotation"
    suffix = "rotnet"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        targets = np.zeros(len(examples.pixels), np.int32)
        return train_network(examples.pixels, targets, TURNS, "softmax", cross_entropy, options, turn_at_random)

    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:  # noqa: D102
        turned, turns = turn_at_random(examples.pixels, examples.labels, np.random.default_rng(options.seed))
        predicted = extract_all(network, turned, options.batch_size).outputs.argmax(axis=1)
        return quality.of_classes(predicted, turns, TURNS)

    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> ClusterModes:  # noqa: D102
        return fit_clusters(output.features, options.seed)


def turn_at_random(pixels: Pixels, _: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rotate each image [N, S, S, C] by random quarter turns; returns the images and the turns, int32 [N]."""
    turns = rng.integers(0, TURNS, len(pixels)).astype(np.int32)
    turned = pixels.copy()
    for count in range(1, TURNS):
        turned[turns == count] = np.rot90(pixels[turns == count], count, axes=(1, 2))
    return turned, turns


TASKS: dict[str, Task] = {
    "classes": Classes(),
    "channels": Channels(),
    "attributes": Attributes(),
    "rotation": Rotation(),
}


def task_for(examples: Examples) -> Task:
    """Attributes where there are any, else the classes of each channel, else two or more classes, else rotation."""
    if examples.attribute_names:
        return TASKS["attributes"]
    if examples.channel_classes:
        return TASKS["channels"]
    return TASKS["classes" if len(examples.classes) > 1 else "rotation"]
