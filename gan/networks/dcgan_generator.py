"""The DCGAN generator.

Radford, Metz and Chintala (2016), "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", arXiv:1511.06434, in the form of TensorFlow's DCGAN tutorial
(https://www.tensorflow.org/tutorials/generative/dcgan): 5x5 kernels, BatchNorm, LeakyReLU, tanh.

    28 x 28 x 1   Dense 7 x 7 x 256, transposed convolutions 128 (stride 1), 64 (stride 2), 1 (stride 2)
    64 x 64 x 3   Dense 8 x 8 x 256, transposed convolutions 128, 64, 3 (stride 2 each)

Other image sizes also get three transposed convolutions, or one per doubling if that is more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.networks.conditioning import join_latents, label_input
from gan.networks.interface import GeneratorOptions
from gan.networks.shape import channels, halve
from gan.util.lazy import keras

KERNEL = 5
MIN_CONVOLUTIONS = 3
LAST_CHANNELS = 64
NEGATIVE_SLOPE = 0.3


@dataclass(frozen=True)
class Options(GeneratorOptions):
    """The options of the DCGAN generator."""

    name: str = "dcgan"


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
    small = halve(image_shape)
    convolutions = max(MIN_CONVOLUTIONS, small.times)
    base = LAST_CHANNELS << (convolutions - 1)

    latents = keras.Input(shape=(options.latent_size,), dtype="float32", name="latents")
    inputs: Any = latents
    hidden = latents
    if classes is not None:
        labels = label_input()
        inputs = [latents, labels]
        hidden = join_latents(latents, labels, classes)

    first = channels(base, options.width)
    hidden = keras.layers.Dense(small.side * small.side * first, use_bias=False, name="dense")(hidden)
    hidden = _normalised(hidden, "dense")
    hidden = keras.layers.Reshape((small.side, small.side, first), name="to_map")(hidden)
    for index in range(1, convolutions):
        name = f"convolution_{index}"
        stride = 1 if index <= convolutions - small.times else 2
        hidden = _transposed(hidden, channels(base >> index, options.width), stride, name)
        hidden = _normalised(hidden, name)
    hidden = _transposed(hidden, image_shape[-1], 2, f"convolution_{convolutions}")
    images = keras.layers.Activation("tanh", dtype="float32", name="images")(hidden)
    return keras.Model(inputs, images, name="generator")


def _transposed(hidden: Any, filters: int, stride: int, name: str) -> Any:
    return keras.layers.Conv2DTranspose(filters, KERNEL, strides=stride, padding="same", use_bias=False, name=name)(
        hidden
    )


def _normalised(hidden: Any, name: str) -> Any:
    hidden = keras.layers.BatchNormalization(name=f"{name}_norm")(hidden)
    return keras.layers.LeakyReLU(NEGATIVE_SLOPE, name=f"{name}_relu")(hidden)
