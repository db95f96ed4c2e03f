"""Resizes images to the input size of a feature network.

Parmar et al. 2022, "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", arXiv:2104.11222: shrinking
without antialiasing changes FID by more than the differences that it should measure, and so does rounding. So all
filters here are antialiased, and the result is float, clipped to [0, 255] and not rounded, as in that paper's
`clean-fid` and in Pillow for images of mode F.

A filter is linear along each axis, so an image is resized by two matrix products with matrices from `tf.image.resize`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.types import Tensor

FILTERS = ("bicubic", "bilinear", "lanczos3")
"""Names of `tf.image.resize`; bicubic is Keys' kernel with a = -1/2, as in Pillow."""


def resizer(shape: tuple[int, int], size: tuple[int, int], kernel: str) -> Callable[[Tensor], Tensor]:
    """A function of images float32 [N, *shape, C] to float32 [N, *size, C], both in [0, 255].

    Args:
        shape: height and width of the input.
        size: height and width of the result.
        kernel: one of FILTERS.
    """
    if shape == size:
        return lambda images: images
    rows, columns = (_matrix(*each, kernel) for each in zip(shape, size, strict=True))

    def resize(images: Tensor) -> Tensor:
        shrunk = tf.einsum("oh,nhwc->nowc", rows, images)
        return tf.clip_by_value(tf.einsum("pw,nowc->nopc", columns, shrunk), 0.0, 255.0)

    return resize


@cache
def _matrix(length: int, wanted: int, kernel: str) -> npt.NDArray[np.float32]:
    """float32 [wanted, length]: the weight of each pixel of a line in each pixel of the result."""
    basis = tf.eye(length)[:, :, None, None]
    lines: npt.NDArray[np.float32] = tf.image.resize(basis, [wanted, 1], kernel, antialias=True)[:, :, 0, 0].numpy().T
    return lines
