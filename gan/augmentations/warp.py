"""Affine warps of images: matrices for homogeneous coordinates, and bilinear sampling.

Coordinates (x, y) are in pixels from the centre of the image, x to the right and y downwards. Everything is elementwise
products and sums, since a matrix product may be rounded to fewer bits on a GPU.

`tf.raw_ops.ImageProjectiveTransformV3` would not do: what TensorFlow registers as its gradient is the upstream gradient
warped back, which is not the derivative of bilinear sampling unless the map keeps the grid of pixels.
"""

from __future__ import annotations

from functools import reduce

from gan.types import Images, Tensor
from gan.util.lazy import tf


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Moves by (x, y) pixels: from float32 [N] to matrices [N, 3, 3]."""
    one, zero = tf.ones_like(x), tf.zeros_like(x)
    return _matrices([[one, zero, x], [zero, one, y], [zero, zero, one]])


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Scales by the factors (x, y): from float32 [N] to matrices [N, 3, 3]."""
    one, zero = tf.ones_like(x), tf.zeros_like(x)
    return _matrices([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def rotation(cosine: Tensor, sine: Tensor) -> Tensor:
    """Turns the x axis towards the y axis by an angle: from its cosine and sine, float32 [N], to matrices [N, 3, 3]."""
    one, zero = tf.ones_like(cosine), tf.zeros_like(cosine)
    return _matrices([[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, one]])


def product(*matrices: Tensor) -> Tensor:
    """The product of matrices [N, 3, 3], in this order."""
    return reduce(lambda left, right: tf.reduce_sum(left[:, :, :, None] * right[:, None], axis=2), matrices)


def warp(images: Images, inverse: Tensor) -> Images:
    """Sample images at the points to which `inverse` takes the pixels of the result; exact for whole pixels.

    Between pixels it interpolates linearly in both directions; outside, the image continues mirrored at its outermost
    pixels, without end.

    Args:
        images: float32 [N, H, W, C], H and W at least 2.
        inverse: float32 [N, 3, 3], from a point of the result to one of the image.

    Returns:
        float32 [N, H, W, C], linear in the images.
    """
    count, height, width, channels = images.shape
    y, x = tf.meshgrid(_centred(height), _centred(width), indexing="ij")
    rows = inverse[:, :2, :, None, None]
    source = rows[:, :, 0] * x + rows[:, :, 1] * y + rows[:, :, 2]
    left, right_weight = _cell(source[:, 0], width)
    top, bottom_weight = _cell(source[:, 1], height)
    weights = _outer([1.0 - bottom_weight, bottom_weight], [1.0 - right_weight, right_weight])
    index = tf.reshape(top * (width - 1) + left, [count, height * width])
    cells = tf.reshape(_cells(images), [count, (height - 1) * (width - 1), 4 * channels])
    corners = tf.reshape(tf.gather(cells, index, batch_dims=1), [count, height, width, 4, channels])
    return tf.reduce_sum(corners * weights[..., None], axis=3)


def _matrices(rows: list[list[Tensor]]) -> Tensor:
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)


def _centred(side: int) -> Tensor:
    return tf.range(side, dtype=tf.float32) - (side - 1) / 2


def _cell(centred: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixel before a coordinate, at most the last but one, and how far it is to the next: int32, float32 in [0, 1].

    The coordinate is mirrored at 0 and at `side` - 1, the first and the last pixel.
    """
    last = side - 1
    mirrored = last - tf.abs(tf.math.floormod(centred + last / 2, 2.0 * last) - last)
    before = tf.minimum(tf.floor(mirrored), last - 1.0)
    return tf.cast(before, tf.int32), mirrored - before


def _cells(images: Images) -> Tensor:
    """Each pixel with those to its right, below it and diagonally below: [N, H - 1, W - 1, 4 C], for one gather."""
    return tf.concat([images[:, :-1, :-1], images[:, :-1, 1:], images[:, 1:, :-1], images[:, 1:, 1:]], axis=3)


def _outer(vertical: list[Tensor], horizontal: list[Tensor]) -> Tensor:
    return tf.stack([one * other for one in vertical for other in horizontal], axis=-1)
