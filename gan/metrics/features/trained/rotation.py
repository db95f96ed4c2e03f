"""Images without labels: the network learns to predict rotations by quarter turns; clusters are the modes.

Gidaris et al. 2018, "Unsupervised Representation Learning by Predicting Image Rotations". To predict the rotation the
network has to recognise the content of the image, so its features describe the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput, extract_all
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import ClusterModes, fit_clusters
from gan.metrics.features.trained import quality, training, trunk
from gan.metrics.features.trained.classes import cross_entropy
from gan.metrics.features.trained.task import Examples, Task
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels

TURNS = 4


class Rotation(Task):
    """Softmax over the four quarter turns of square images."""

    kind = "rotation"
    suffix = "rotnet"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        return training.train(
            lambda: trunk.build(examples.pixels.shape[1:], TURNS, "softmax"),
            examples.pixels,
            np.zeros(len(examples.pixels), np.int32),
            cross_entropy,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            augment=turn_at_random,
        )

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
