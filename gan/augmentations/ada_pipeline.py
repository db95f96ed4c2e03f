"""The transformations of ADA, each applied to an image with the probability p.

Karras et al. (2020), "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676, section 2.3 and
appendix B: pixel blitting, general geometric transformations and colour transformations ("bgc"), with the published
ranges. Filtering, noise and cutout are left out, as in the paper's own experiments from there on. In place of its
wavelet filter around the warp there is plain bilinear sampling, so that an image that is scaled down may alias.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gan.augmentations.interface import AugmentationOptions, Draws
from gan.augmentations.warp import product, rotation, scaling, translation, warp
from gan.options import key, one_of
from gan.types import Images, Scalar, Tensor
from gan.util.lazy import tf

GROUPS = ("pixel", "geometric", "colour")
MAX_SHIFT = 1 / 8
SCALE_STD = 0.2
SHIFT_STD = 1 / 8
BRIGHTNESS_STD = 0.2
CONTRAST_STD = 0.5
SATURATION_STD = 1.0


def _parse_groups(name: str, value: Any) -> tuple[str, ...]:
    return () if value in ((), []) else one_of(GROUPS)(name, value)


@dataclass(frozen=True)
class PipelineOptions(AugmentationOptions):
    """The options of an augmentation by the transformations of ADA."""

    groups: tuple[str, ...] = key(
        (),
        "Which transformations may change an image; there is no default, since it depends on the data. `pixel`: mirror "
        "left to right, quarter turns, shifts of up to an eighth of the side. `geometric`: scaling, stretching, turns "
        "by any angle, shifts by fractions of a pixel. `colour`: brightness, contrast, light for dark, and for RGB hue "
        "and saturation. Digits and other signs that mean something else when turned or mirrored: `colour` alone.",
        parse=_parse_groups,
    )


def augment(images: Images, draws: Draws, groups: Iterable[str], p: Scalar) -> Images:
    """Images, each with its own random choice of the transformations of `groups`; unchanged to the bit if p is 0.

    Args:
        images: float32 [N, H, W, C] in [-1, 1].
        draws: of the batch.
        groups: among `GROUPS`.
        p: the probability of each transformation, float32 in [0, 1].

    Returns:
        float32 [N, H, W, C], affine in the images; colours may leave [-1, 1].
    """
    _, height, width, channels = images.shape
    inverses = []
    if "pixel" in groups:
        inverses += pixel_inverses(draws.uniform(7), p, height, width)
    if "geometric" in groups:
        inverses += geometric_inverses(draws.uniform(7), draws.normal(4), p, height, width)
    if inverses:
        images = warp(images, product(*inverses))
    if "colour" in groups:
        images = recolour(images, *colour_values(draws.uniform(7), draws.normal(3), p, channels))
    return images


def pixel_inverses(uniform: Tensor, p: Scalar, height: int, width: int) -> list[Tensor]:
    """The inverses of mirroring, of i in {0, 1, 2, 3} quarter turns, and of a shift by t ~ U(-1/8, 1/8) of the side.

    Args:
        uniform: float32 [N, 7] in [0, 1): three that choose, compared with p, then the values.
        p: the probability of each.
        height: of the images, in pixels.
        width: the same.

    Returns:
        Three float32 [N, 3, 3], in the order in which the transformations are applied.
    """
    mirrored, turned, moved, mirror, turns, right, down = tf.unstack(uniform, axis=1)
    sign = tf.where((mirrored < p) & (mirror >= 0.5), -1.0, 1.0)
    quarter = tf.where(turned < p, tf.cast(turns * 4.0, tf.int32), 0)
    cosine, sine = tf.gather([1.0, 0.0, -1.0, 0.0], quarter), tf.gather([0.0, 1.0, 0.0, -1.0], quarter)
    x, y = (
        tf.where(moved < p, tf.round((2.0 * each - 1.0) * MAX_SHIFT * side), 0.0)
        for each, side in ((right, width), (down, height))
    )
    return [scaling(sign, tf.ones_like(sign)), rotation(cosine, sine), translation(-x, -y)]


def geometric_inverses(uniform: Tensor, normal: Tensor, p: Scalar, height: int, width: int) -> list[Tensor]:
    """The inverses of scaling, a turn, stretching, a second turn and a shift.

    Scales are 2^(0.2 n), angles U(-pi, pi), shifts n / 8 of the side, with n ~ N(0, 1). There are two turns since the
    direction of stretching would else depend on that of the image; each has the probability 1 - sqrt(1 - p), so that an
    image is turned with the probability p.

    Args:
        uniform: float32 [N, 7] in [0, 1): five that choose, then two angles.
        normal: float32 [N, 4].
        p: the probability of each.
        height: of the images, in pixels.
        width: the same.

    Returns:
        Five float32 [N, 3, 3], in the order in which the transformations are applied.
    """
    scaled, first, stretched, second, moved, first_angle, second_angle = tf.unstack(uniform, axis=1)
    scale, stretch, right, down = tf.unstack(normal, axis=1)
    p_turn = 1.0 - tf.sqrt(1.0 - p)
    scale = tf.where(scaled < p, _power_of_two(-SCALE_STD * scale), 1.0)
    stretch = tf.where(stretched < p, _power_of_two(-SCALE_STD * stretch), 1.0)
    x, y = (
        tf.where(moved < p, SHIFT_STD * side * each, 0.0)
        for each, side in ((right, float(width)), (down, float(height)))
    )
    return [
        scaling(scale, scale),
        _turn(first < p_turn, first_angle),
        scaling(stretch, 1.0 / stretch),
        _turn(second < p_turn, second_angle),
        translation(-x, -y),
    ]


def colour_values(
    uniform: Tensor, normal: Tensor, p: Scalar, channels: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Random arguments of `recolour`, each neutral unless it is chosen.

    The brightness changes by 0.2 n, the contrast by 2^(0.5 n), the saturation by 2^n, with n ~ N(0, 1); light and dark
    are exchanged in half of the chosen images; the hue turns by U(-pi, pi). Grey images have neither hue nor
    saturation.

    Args:
        uniform: float32 [N, 7] in [0, 1): five that choose, then whether light and dark are exchanged, and the angle.
        normal: float32 [N, 3].
        p: the probability of each.
        channels: 1 or 3.
    """
    brighter, contrasted, exchanged, turned, saturated, exchange, angle = tf.unstack(uniform, axis=1)
    amount, contrast, saturation = tf.unstack(normal, axis=1)
    if channels == 1:
        turned = saturated = tf.ones_like(turned)
    return (
        tf.where(brighter < p, BRIGHTNESS_STD * amount, 0.0),
        tf.where(contrasted < p, _power_of_two(CONTRAST_STD * contrast), 1.0),
        tf.where((exchanged < p) & (exchange >= 0.5), -1.0, 1.0),
        tf.where(turned < p, _angle(angle), 0.0),
        tf.where(saturated < p, _power_of_two(SATURATION_STD * saturation), 1.0),
    )


def recolour(
    images: Images, brightness: Tensor, contrast: Tensor, luma: Tensor, hue: Tensor, saturation: Tensor
) -> Images:
    """Change brightness, contrast, luma, hue and saturation, in this order: one affine map of each pixel's colour.

    With the grey axis v = (1, 1, 1) / sqrt(3), the projection P = v v^T on it and the cross product K c = v x c:

        y = contrast [luma P + saturation (cos(hue) (I - P) + sin(hue) K)] (x + brightness)

    where luma = -1 exchanges light and dark. A grey image has P x = x, so y = contrast luma (x + brightness).

    Args:
        images: float32 [N, H, W, 1 or 3].
        brightness: float32 [N], as the next ones; 0 leaves the image as it is.
        contrast: 1 leaves it.
        luma: 1 leaves it.
        hue: in radians; 0 leaves it.
        saturation: 1 leaves it.
    """
    brighter = images + brightness[:, None, None, None]
    if images.shape[3] == 1:
        return (contrast * luma)[:, None, None, None] * brighter
    along, across = (each[:, None, None] for each in (saturation * tf.cos(hue), saturation * tf.sin(hue)))
    grey = tf.fill([3, 3], 1 / 3)
    cross = tf.constant([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    matrix = contrast[:, None, None] * (along * tf.eye(3) + across * cross + (luma[:, None, None] - along) * grey)
    return tf.reduce_sum(brighter[..., None, :] * matrix[:, None, None], axis=-1)


def _turn(chosen: Tensor, uniform: Tensor) -> Tensor:
    angle = tf.where(chosen, _angle(uniform), 0.0)
    return rotation(tf.cos(angle), tf.sin(angle))


def _angle(uniform: Tensor) -> Tensor:
    return (2.0 * uniform - 1.0) * math.pi


def _power_of_two(exponent: Tensor) -> Tensor:
    return tf.exp(math.log(2.0) * exponent)
