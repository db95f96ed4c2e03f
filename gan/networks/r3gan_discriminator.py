"""A small discriminator in the manner of R3GAN: residual blocks without normalisation, and smooth resampling.

Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv:2501.05441, section 4, and the
authors' code; see `gan.networks.r3gan_parts` for the blocks and `gan.networks.resample`.

    28 x 28 x 1   1x1 convolution 64, blocks, 14 x 14 x 128, blocks, 7 x 7 x 256, blocks, basis, Dense 1
    64 x 64 x 3   1x1 convolution 32, 64 x 64 x 32, 32 x 32 x 64, 16 x 16 x 128, 8 x 8 x 256, 4 x 4 x 256

The basis is a learned map, with which the last feature map is multiplied and summed over its positions. Theirs is
larger (768 channels, two blocks at each size), and its conditional logit is <embed(label), phi> alone, without the part
that does not depend on the label. It is trained with penalties on the gradient at real and at generated images.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.networks.conditioning import label_input, project
from gan.networks.interface import ConvolutionalOptions
from gan.networks.normalise import normalised, with_minibatch_std
from gan.networks.r3gan_parts import SMALLEST_MAP, BlockOptions, Blocks, convolution, scaled_normal, stage_channels
from gan.networks.resample import downsample
from gan.networks.shape import halve
from gan.util.lazy import keras


@dataclass(frozen=True)
class Options(BlockOptions, ConvolutionalOptions):
    """The options of the discriminator in the manner of R3GAN."""

    name: str = "r3gan"


def make(options: Options, image_shape: tuple[int, int, int], classes: int | None = None) -> keras.Model:
    """A discriminator from images (and labels, if `classes`) to a pair (logits, features).

    The features are the sums over positions of the last feature map times the basis: 256 at every size. The logit is a
    linear function of them.

    Args:
        options: width, the shape of the blocks, spectral normalisation, and minibatch standard deviation before the
            last blocks.
        image_shape: (H, W, C); C is that of all the images it judges together.
        classes: the number of classes, for a conditional (projection) discriminator.

    Returns:
        A model: images float32 [N, H, W, C] in [-1, 1], or [images, labels int32 [N]], to logits float32 [N, 1]
        (> 0 means real) and features float32 [N, F]; float32 under every dtype policy.

    Raises:
        ConfigError: the image can't be halved.
    """
    small = halve(image_shape, SMALLEST_MAP)
    widths = stage_channels(small, options.width)[::-1]
    blocks = Blocks(options, options.blocks * len(widths), options.spectral_norm)

    images = keras.Input(shape=image_shape, dtype="float32", name="images")
    hidden = images
    for index, filters in enumerate(widths, 1):
        if index > 1:
            hidden = downsample(hidden, f"stage_{index}")
        if index == len(widths):
            hidden = with_minibatch_std(hidden, options.minibatch_std)
        if hidden.shape[-1] != filters:
            layer = convolution(filters, 1, 1.0, f"stage_{index}_channels")
            hidden = normalised(layer, options.spectral_norm)(hidden)
        hidden = blocks.stage(hidden, f"stage_{index}")
    scale = keras.initializers.RandomNormal(stddev=1 / small.side)
    basis = keras.layers.EinsumDense(
        "nijc,ijc->nc", output_shape=(widths[-1],), kernel_initializer=scale, dtype="float32", name="basis"
    )
    features = normalised(basis, options.spectral_norm)(hidden)
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=scaled_normal(1.0), dtype="float32", name="logits")
    logits = normalised(dense, options.spectral_norm)(features)
    if classes is None:
        return keras.Model(images, (logits, features), name="discriminator")
    labels = label_input()
    logits = project(logits, features, labels, classes, positions=1, spectral_norm=options.spectral_norm)
    return keras.Model([images, labels], (logits, features), name="discriminator")
