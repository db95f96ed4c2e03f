"""Images whose channels show different things, such as stacked MNIST: one classifier, applied to each channel.

Metz et al. (2017), "Unrolled Generative Adversarial Networks", arXiv:1611.02163, and Lin et al. (2018), "PacGAN",
arXiv:1712.04086, find the mode of a stacked image so: by a classifier that is trained on single digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import ChannelModes
from gan.metrics.features.trained import quality
from gan.metrics.features.trained.task import Examples, Task
from gan.metrics.features.trained.training import cross_entropy, train_network
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import LabelArray, Pixels


class Channels(Task):
    """Softmax over the classes of a channel, for each channel. The network is trained on single channels."""

    kind = "channels"
    suffix = "cnn"

    def train(self, examples: Examples, options: Reference) -> keras.Model:  # noqa: D102
        channels, labels = single_channels(examples)
        classes = len(examples.channel_classes)
        classifier = train_network(channels, labels, classes, "softmax", cross_entropy, options)
        return per_channel(classifier, examples.pixels.shape[-1])

    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:  # noqa: D102
        classes = len(examples.channel_classes)
        _, labels = single_channels(examples)
        return quality.of_classes(output.outputs.reshape(-1, classes).argmax(axis=1), labels, classes)

    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> ChannelModes:  # noqa: D102
        return ChannelModes(examples.channel_classes, examples.pixels.shape[-1])


def single_channels(examples: Examples) -> tuple[Pixels, LabelArray]:
    """Each channel as an image of its own: Pixels uint8 [N * C, H, W, 1], and their classes int32 [N * C]."""
    count, height, width, channels = examples.pixels.shape
    pixels = np.moveaxis(examples.pixels, -1, 1).reshape(count * channels, height, width, 1)
    classes = np.unravel_index(examples.labels, (len(examples.channel_classes),) * channels)
    return pixels, np.stack(classes, axis=1).reshape(-1).astype(np.int32)


def per_channel(classifier: keras.Model, channels: int) -> keras.Model:
    """A model that applies a classifier of one channel, with F features and K classes, to each channel.

    Returns:
        A model from Pixels [N, H, W, C] to (features float32 [N, C * F], outputs float32 [N, C * K]).
    """
    height, width, _ = classifier.input_shape[1:]
    pixels = keras.Input((height, width, channels), name="pixels")
    features, outputs = zip(*(classifier(pixels[..., index : index + 1]) for index in range(channels)), strict=True)
    joined = [
        keras.layers.Concatenate(name=name)(parts) for name, parts in (("features", features), ("outputs", outputs))
    ]
    return keras.Model(pixels, joined, name="feature_network_per_channel")
