"""A small generator in the manner of R3GAN: residual blocks without normalisation, and smooth resampling.

Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv:2501.05441, section 4, and the
authors' code; see `gan.networks.r3gan_parts` for the blocks and `gan.networks.resample`.

    28 x 28 x 1   basis 7 x 7 x 256, blocks, 14 x 14 x 128, blocks, 28 x 28 x 64, blocks, 1x1 convolution, tanh
    64 x 64 x 3   basis 4 x 4 x 256, 8 x 8 x 256, 16 x 16 x 128, 32 x 32 x 64, 64 x 64 x 32

The basis is a learned map, each channel of which is scaled by a linear function of the latent. Theirs is larger
(768 channels, two blocks at each size), has no tanh, and joins an embedding of the label to the latent; here the label
enters as in `gan.networks.conditioning.join_latents`, and images must be in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.networks.conditioning import join_latents, label_input
from gan.networks.interface import GeneratorOptions
from gan.networks.r3gan_parts import SMALLEST_MAP, BlockOptions, Blocks, convolution, scaled_normal, stage_channels
from gan.networks.resample import upsample
from gan.networks.shape import halve
from gan.util.lazy import keras


@dataclass(frozen=True)
class Options(BlockOptions, GeneratorOptions):
    """The options of the generator in the manner of R3GAN."""

    name: str = "r3gan"


def make(options: Options, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    """A generator from latents float32 [N, Z] (and labels int32 [N], if `classes`) to images float32 [N, H, W, C].

    Images are in [-1, 1], and float32 under every dtype policy. The model has only Keras's own layers, so that a saved
    one loads without this package.

    Args:
        options: latent size, width, and the shape of the blocks.
        image_shape: (H, W, C).
        classes: the number of classes, for a conditional generator.

    Raises:
        ConfigError: the image can't be halved.
    """
    small = halve(image_shape, SMALLEST_MAP)
    widths = stage_channels(small, options.width)
    blocks = Blocks(options, total=options.blocks * len(widths))

    latents = keras.Input(shape=(options.latent_size,), dtype="float32", name="latents")
    inputs: Any = latents
    hidden = latents
    if classes is not None:
        labels = label_input()
        inputs = [latents, labels]
        hidden = join_latents(latents, labels, classes)

    hidden = _basis(hidden, small.side, widths[0])
    for index, filters in enumerate(widths, 1):
        if hidden.shape[-1] != filters:
            hidden = convolution(filters, 1, 1.0, f"stage_{index}_channels")(hidden)
        if index > 1:
            hidden = upsample(hidden, f"stage_{index}")
        hidden = blocks.stage(hidden, f"stage_{index}")
    hidden = convolution(image_shape[-1], 1, 1.0, "to_image")(hidden)
    images = keras.layers.Activation("tanh", dtype="float32", name="images")(hidden)
    return keras.Model(inputs, images, name="generator")


def _basis(latents: Any, side: int, filters: int) -> Any:
    """Latents [N, Z] to feature maps [N, side, side, filters]."""
    scales = keras.layers.Dense(filters, use_bias=False, kernel_initializer=scaled_normal(1.0), name="dense")(latents)
    normal = keras.initializers.RandomNormal(stddev=1.0)
    return keras.layers.EinsumDense(
        "nc,ijc->nijc", output_shape=(side, side, filters), kernel_initializer=normal, name="basis"
    )(scales)
