"""The DCGAN discriminator, also the critic of the Wasserstein losses.

The network of TensorFlow's DCGAN tutorial (https://www.tensorflow.org/tutorials/generative/dcgan): 5x5 kernels,
LeakyReLU, dropout, one dense logit.

    28 x 28 x 1   convolutions 64, 128 (stride 2 each), flatten, Dense 1
    64 x 64 x 3   convolutions 64, 128, 256 (stride 2 each), flatten, Dense 1

There is no BatchNorm: the gradient penalty needs a logit that depends on its own image only (Gulrajani et al., 2017,
"Improved Training of Wasserstein GANs", arXiv:1704.00028, section 4, "No critic batch normalization"). With
`minibatch_std` it also depends on the other images of its group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.networks.conditioning import label_input, project
from gan.networks.interface import ConvolutionalOptions
from gan.networks.normalise import normalised, with_minibatch_std
from gan.networks.shape import channels, halve
from gan.options import key
from gan.util.lazy import keras

KERNEL = 5
MIN_CONVOLUTIONS = 2
FIRST_CHANNELS = 64
NEGATIVE_SLOPE = 0.3


@dataclass(frozen=True)
class Options(ConvolutionalOptions):
    """The options of the DCGAN discriminator."""

    name: str = "dcgan"
    dropout: float = key(0.3, "Share of activations dropped while training.", min_value=0, max_value=0.95)


def make(options: Options, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    """A discriminator from images (and labels, if `classes`) to a pair (logits, features).

    The logit is a dense layer on the flattened last feature map, as in the tutorial. The features are the channel means
    of that map: few enough (128 for 28x28, 256 for 64x64) that `gan.regularisers.kl` can fit their distribution to a
    batch.

    Args:
        options: width, dropout, spectral normalisation, and minibatch standard deviation before the last convolution.
        image_shape: (H, W, C); C is that of all the images it judges together.
        classes: the number of classes, for a conditional (projection) discriminator.

    Returns:
        A model: images float32 [N, H, W, C] in [-1, 1], or [images, labels int32 [N]], to logits float32 [N, 1]
        (> 0 means real) and features float32 [N, F]; float32 under every dtype policy.

    Raises:
        ConfigError: the image can't be halved.
    """
    small = halve(image_shape)
    convolutions = max(MIN_CONVOLUTIONS, small.times)

    images = keras.Input(shape=image_shape, dtype="float32", name="images")
    hidden = images
    for index in range(convolutions):
        filters = channels(FIRST_CHANNELS << index, options.width)
        if index == convolutions - 1:
            hidden = with_minibatch_std(hidden, options.minibatch_std)
        hidden = _block(hidden, filters, 2 if index < small.times else 1, options, f"convolution_{index + 1}")
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="features")(hidden)
    flat = keras.layers.Flatten(name="flatten")(hidden)
    logits = normalised(keras.layers.Dense(1, dtype="float32", name="logits"), options.spectral_norm)(flat)
    if classes is None:
        return keras.Model(images, (logits, features), name="discriminator")
    labels = label_input()
    positions = small.side * small.side
    logits = project(logits, features, labels, classes, positions=positions, spectral_norm=options.spectral_norm)
    return keras.Model([images, labels], (logits, features), name="discriminator")


def _block(hidden: Any, filters: int, stride: int, options: Options, name: str) -> Any:
    convolution = keras.layers.Conv2D(filters, KERNEL, strides=stride, padding="same", name=name)
    hidden = normalised(convolution, options.spectral_norm)(hidden)
    hidden = keras.layers.LeakyReLU(NEGATIVE_SLOPE, name=f"{name}_relu")(hidden)
    return keras.layers.Dropout(options.dropout, name=f"{name}_dropout")(hidden) if options.dropout else hidden
