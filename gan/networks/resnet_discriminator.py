"""The residual discriminator of SNGAN.

Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957, appendix B.4:
table 4 for images of up to 32 pixels, table 6 for larger ones, in which each halving of the map doubles the channels.

    28 x 28 x 1   blocks 128, 128 (halved each), 128, 128, ReLU, sum over positions, Dense 1
    64 x 64 x 3   blocks 64, 128, 256, 512 (halved each), 512, ReLU, sum over positions, Dense 1

A block is ReLU, 3x3 convolution, ReLU, 3x3 convolution, mean of 2 x 2 if it halves the map, added to its input, which
passes a mean of 2 x 2 and a 1x1 convolution if its shape has to change. The first block has no first ReLU, since it
sees the image. The paper's network has `spectral_norm`; it is an option, since a gradient penalty takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.networks.conditioning import label_input, project
from gan.networks.interface import ConvolutionalOptions
from gan.networks.normalise import normalised, with_minibatch_std
from gan.networks.resnet_parts import LARGE, SMALLEST_MAP, conv3x3, shortcut
from gan.networks.shape import channels, halve
from gan.util.lazy import keras

CHANNELS = 128
FIRST_CHANNELS = 64
PLAIN_BLOCKS = 2


@dataclass(frozen=True)
class Options(ConvolutionalOptions):
    """The options of SNGAN's residual discriminator; the paper's has `spectral_norm`."""

    name: str = "resnet"


def make(options: Options, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    """A discriminator from images (and labels, if `classes`) to a pair (logits, features).

    The logit is a dense layer on the sum of the last feature map over its positions. The features are its means: 128
    for 28x28, 512 for 64x64.

    Args:
        options: width, spectral normalisation, and minibatch standard deviation before the last block.
        image_shape: (H, W, C); C is that of all the images it judges together.
        classes: the number of classes, for a conditional (projection) discriminator.

    Returns:
        A model: images float32 [N, H, W, C] in [-1, 1], or [images, labels int32 [N]], to logits float32 [N, 1]
        (> 0 means real) and features float32 [N, F]; float32 under every dtype policy.

    Raises:
        ConfigError: the image can't be halved.
    """
    blocks, positions = _blocks(image_shape)
    images = keras.Input(shape=image_shape, dtype="float32", name="images")
    hidden = images
    for index, (filters, halved) in enumerate(blocks, 1):
        if index == len(blocks):
            hidden = with_minibatch_std(hidden, options.minibatch_std)
        hidden = _block(hidden, channels(filters, options.width), halved, options, f"block_{index}")
    hidden = keras.layers.ReLU(name="last_relu")(hidden)
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="features")(hidden)
    summed = keras.layers.Rescaling(positions, dtype="float32", name="sum")(features)
    logits = normalised(keras.layers.Dense(1, dtype="float32", name="logits"), options.spectral_norm)(summed)
    if classes is None:
        return keras.Model(images, (logits, features), name="discriminator")
    labels = label_input()
    logits = project(logits, features, labels, classes, positions=positions, spectral_norm=options.spectral_norm)
    return keras.Model([images, labels], (logits, features), name="discriminator")


def _blocks(image_shape: tuple[int, int, int]) -> tuple[list[tuple[int, bool]], int]:
    """The channels of each block, with whether it halves the map; and the number of positions of the last map."""
    if image_shape[0] < LARGE:
        small = halve(image_shape)
        blocks = [(CHANNELS, True)] * small.times + [(CHANNELS, False)] * PLAIN_BLOCKS
    else:
        small = halve(image_shape, SMALLEST_MAP)
        blocks = [(FIRST_CHANNELS << index, True) for index in range(small.times)]
        blocks += [(FIRST_CHANNELS << small.times, False)]
    return blocks, small.side * small.side


def _block(hidden: Any, filters: int, halved: bool, options: Options, name: str) -> Any:
    def layer(made: Any) -> Any:
        return normalised(made, options.spectral_norm)

    skipped = hidden
    if halved:  # the mean and a 1x1 convolution commute; in this order it costs a quarter
        skipped = keras.layers.AveragePooling2D(2, name=f"{name}_shortcut_halve")(skipped)
    if halved or hidden.shape[-1] != filters:
        skipped = layer(shortcut(filters, f"{name}_shortcut", bias=True))(skipped)
    if name != "block_1":
        hidden = keras.layers.ReLU(name=f"{name}_relu_1")(hidden)
    hidden = layer(conv3x3(filters, f"{name}_convolution_1", bias=True))(hidden)
    hidden = keras.layers.ReLU(name=f"{name}_relu_2")(hidden)
    hidden = layer(conv3x3(filters, f"{name}_convolution_2", bias=True))(hidden)
    if halved:
        hidden = keras.layers.AveragePooling2D(2, name=f"{name}_halve")(hidden)
    return keras.layers.Add(name=name)([hidden, skipped])
