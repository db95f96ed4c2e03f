"""Packs of images, which a discriminator judges together."""

from __future__ import annotations

from gan.types import Tensor
from gan.util.lazy import tf


def packed(images: Tensor, packing: int) -> Tensor:
    """Each `packing` images joined along the channels: [N, H, W, C] to [N / packing, H, W, packing C].

    Lin et al. (2018), "PacGAN: The power of two samples in generative adversarial networks", arXiv:1712.04086,
    section 3.
    """
    if packing == 1:
        return images
    count, height, width, channels = images.shape
    packs = tf.reshape(images, [count // packing, packing, height, width, channels])
    return tf.reshape(tf.transpose(packs, [0, 2, 3, 1, 4]), [-1, height, width, packing * channels])
