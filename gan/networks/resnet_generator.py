"""The residual generator of SNGAN.

Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957, appendix B.4:
table 4 for images of up to 32 pixels, table 5 for larger ones, in which each doubling of the map halves the channels.

    28 x 28 x 1   Dense 7 x 7 x 256, blocks 256, 256, BatchNorm, ReLU, 3x3 convolution, tanh
    32 x 32 x 3   Dense 4 x 4 x 256, blocks 256, 256, 256
    64 x 64 x 3   Dense 4 x 4 x 512, blocks 512, 256, 128, 64

A block doubles the map: BatchNorm, ReLU, doubling, 3x3 convolution, BatchNorm, ReLU, 3x3 convolution, added to a 1x1
convolution of its doubled input. Labels choose the scales and offsets of BatchNorm, as in the paper's conditional
networks (Miyato and Koyama, 2018, arXiv:1802.05637); the latent is left as it is. Unlike in the paper's code, blocks
have no biases: BatchNorm would take them out, so that only rounding errors would train them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.networks.conditioning import conditional_norm, label_input
from gan.networks.interface import GeneratorOptions
from gan.networks.resnet_parts import LARGE, SMALLEST_MAP, conv3x3, shortcut
from gan.networks.shape import channels, halve
from gan.util.lazy import keras

CHANNELS = 256
LAST_CHANNELS = 64


@dataclass(frozen=True)
class Options(GeneratorOptions):
    """The options of SNGAN's residual generator."""

    name: str = "resnet"


def make(options: Options, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    """A generator from latents float32 [N, Z] (and labels int32 [N], if `classes`) to images float32 [N, H, W, C].

    Images are in [-1, 1], and float32 under every dtype policy. The model has only Keras's own layers, so that a saved
    one loads without this package.

    Args:
        options: latent size and width.
        image_shape: (H, W, C).
        classes: the number of classes, for a conditional generator.

    Raises:
        ConfigError: the image can't be halved.
    """
    small = halve(image_shape, SMALLEST_MAP)
    first, *blocks = (channels(each, options.width) for each in _channels(image_shape[0], small.times))

    latents = keras.Input(shape=(options.latent_size,), dtype="float32", name="latents")
    labels = None if classes is None else label_input()
    hidden = keras.layers.Dense(small.side * small.side * first, name="dense")(latents)
    hidden = keras.layers.Reshape((small.side, small.side, first), name="to_map")(hidden)
    for index, filters in enumerate(blocks, 1):
        hidden = _block(hidden, labels, classes, filters, f"block_{index}")
    hidden = keras.layers.BatchNormalization(name="last_norm")(hidden)
    hidden = keras.layers.ReLU(name="last_relu")(hidden)
    hidden = keras.layers.Conv2D(image_shape[-1], 3, padding="same", name="to_image")(hidden)
    images = keras.layers.Activation("tanh", dtype="float32", name="images")(hidden)
    return keras.Model(latents if labels is None else [latents, labels], images, name="generator")


def _channels(side: int, times: int) -> list[int]:
    """The channels of the first map and of each block."""
    if side < LARGE:
        return [CHANNELS] * (times + 1)
    return [LAST_CHANNELS << index for index in reversed(range(times + 1))]


def _block(hidden: Any, labels: Any, classes: int | None, filters: int, name: str) -> Any:
    double = keras.layers.UpSampling2D
    # A 1x1 convolution and the doubling commute; in this order it costs a quarter.
    skipped = double(2, name=f"{name}_shortcut_double")(shortcut(filters, f"{name}_shortcut", bias=False)(hidden))
    hidden = keras.layers.ReLU(name=f"{name}_relu_1")(conditional_norm(hidden, labels, classes, f"{name}_norm_1"))
    hidden = conv3x3(filters, f"{name}_convolution_1", bias=False)(double(2, name=f"{name}_double")(hidden))
    hidden = keras.layers.ReLU(name=f"{name}_relu_2")(conditional_norm(hidden, labels, classes, f"{name}_norm_2"))
    hidden = conv3x3(filters, f"{name}_convolution_2", bias=False)(hidden)
    return keras.layers.Add(name=name)([hidden, skipped])
