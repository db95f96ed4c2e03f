"""DiffAugment: the same few changes of real and of generated images, through which the gradient flows.

Zhao et al. (2020), "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738, section 3.2. Ranges
and what is filled in are those of the authors' code (https://github.com/mit-han-lab/data-efficient-gans).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan.augmentations.interface import Augmentation, AugmentationOptions, Draws
from gan.options import key, one_of
from gan.schedules import is_constant, scheduled_key, value_at
from gan.schedules.interface import Scheduled
from gan.types import Images, Tensor
from gan.util.lazy import tf

POLICY = ("colour", "translation", "cutout")
MAX_SHIFT = 1 / 8
CUTOUT = 1 / 2


@dataclass(frozen=True)
class Options(AugmentationOptions):
    """Colour, translation and cutout of real and of generated images: for data sets of a few thousand images or fewer.

    `colour` adds up to 0.5 to all pixels, scales the saturation by 0 to 2 and the contrast by 0.5 to 1.5 (images are in
    [-1, 1]). `translation` moves the image by up to an eighth of its side each way. `cutout` blanks a square of half
    the side. What was outside or is cut out becomes 0, the middle grey. Zhao et al. (2020), "Differentiable
    Augmentation for Data-Efficient GAN Training", arXiv:2006.10738.
    """

    name: str = "diffaugment"
    policy: tuple[str, ...] = key(
        POLICY, f"What is done to images: a list of {', '.join(POLICY)}.", parse=one_of(POLICY)
    )
    strength: Scheduled = scheduled_key(
        1.0,
        "Probability with which each part of the policy changes an image; 1, as published: every image is changed.",
        min_value=0,
        max_value=1,
    )


def brightness(images: Images, amount: Tensor) -> Images:
    """x + a.

    Args:
        images: float32 [N, H, W, C].
        amount: float32 [N, 1, 1, 1]; [-0.5, 0.5) in DiffAugment.
    """
    return images + amount


def saturation(images: Images, factor: Tensor) -> Images:
    """m + f (x - m), with the mean m over the channels of each pixel: 0 gives a grey image, 1 leaves it as it is.

    Args:
        images: float32 [N, H, W, C].
        factor: float32 [N, 1, 1, 1]; [0, 2) in DiffAugment.
    """
    mean = tf.reduce_mean(images, axis=3, keepdims=True)
    return mean + factor * (images - mean)


def contrast(images: Images, factor: Tensor) -> Images:
    """m + f (x - m), with the mean m of each image.

    Args:
        images: float32 [N, H, W, C].
        factor: float32 [N, 1, 1, 1]; [0.5, 1.5) in DiffAugment.
    """
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean + factor * (images - mean)


def shift(images: Images, down: Tensor, right: Tensor) -> Images:
    """Images moved by whole pixels, with 0 where nothing was.

    Args:
        images: float32 [N, H, W, C].
        down: int32 [N].
        right: int32 [N].
    """

    # The gradient is the opposite shift. As a custom gradient it is a gather, where TensorFlow's own would add up.
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def shifted(images: Images) -> tuple[Images, Callable[[Tensor], Tensor]]:
        rows = tf.gather(_framed(images), _sources(images.shape[1], down), axis=1, batch_dims=1)
        moved = tf.gather(rows, _sources(images.shape[2], right), axis=2, batch_dims=1)
        return moved, lambda upstream: shift(upstream, -down, -right)

    return shifted(images)


def cutout(images: Images, row: Tensor, column: Tensor) -> Images:
    """Images with a square of half the side set to 0, or the part of the square that is inside.

    Args:
        images: float32 [N, H, W, C].
        row: int32 [N], of the centre of the square.
        column: int32 [N], of the centre of the square.
    """
    height, width = images.shape[1:3]
    inside = _near(row, height)[:, :, None] & _near(column, width)[:, None, :]
    return images * tf.where(inside, 0.0, 1.0)[..., None]


def make(options: Options) -> Augmentation:
    """DiffAugment with a policy, of which each part changes an image with the probability `strength`."""
    functions = {"colour": _random_colour, "translation": _random_shift, "cutout": _random_cutout}
    strength = value_at(options.strength)

    def apply(images: Images, draws: Draws, step: Tensor) -> Images:
        probability = strength(step)
        for part in POLICY:
            if part in options.policy:
                chosen = draws.uniform(1, 1, 1) < probability
                images = tf.where(chosen, functions[part](images, draws), images)
        return images

    return Augmentation(options.name, apply, strength=None if is_constant(options.strength) else strength)


def _random_colour(images: Images, draws: Draws) -> Images:
    amount, saturated, contrasted = tf.unstack(draws.uniform(3, 1, 1, 1), axis=1)
    images = brightness(images, amount - 0.5)
    if images.shape[3] > 1:
        images = saturation(images, 2.0 * saturated)
    return contrast(images, contrasted + 0.5)


def _random_shift(images: Images, draws: Draws) -> Images:
    height, width = images.shape[1:3]
    down, right = tf.unstack(draws.uniform(2), axis=1)
    most_down, most_right = round_half_up(height * MAX_SHIFT), round_half_up(width * MAX_SHIFT)
    return shift(images, _whole(down, 2 * most_down + 1) - most_down, _whole(right, 2 * most_right + 1) - most_right)


def _random_cutout(images: Images, draws: Draws) -> Images:
    height, width = images.shape[1:3]
    row, column = tf.unstack(draws.uniform(2), axis=1)
    return cutout(images, _whole(row, _centres(height)), _whole(column, _centres(width)))


def _whole(uniform: Tensor, count: int) -> Tensor:
    """Uniform int32 in [0, count), from uniform float32 in [0, 1)."""
    return tf.cast(uniform * float(count), tf.int32)


def _centres(side: int) -> int:
    """How many centres a cut-out square may have; one more if its size is even, so that both ends lose the same."""
    return side + 1 - round_half_up(side * CUTOUT) % 2


def _near(centre: Tensor, side: int) -> Tensor:
    """Whether each of `side` positions is in the interval around each centre: boolean [N, side]."""
    size = round_half_up(side * CUTOUT)
    offset = tf.range(side)[None] - (centre[:, None] - size // 2)
    return (offset >= 0) & (offset < size)


def _framed(images: Images) -> Images:
    """With a frame of zeros, one pixel wide."""
    return tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])


def _sources(side: int, moved: Tensor) -> Tensor:
    """For each of `side` positions in a moved image its position in a framed one: int32 [N, side]."""
    return tf.clip_by_value(tf.range(side)[None] - moved[:, None] + 1, 0, side + 1)


def round_half_up(value: float) -> int:
    """As the authors' code rounds sizes: 3.5 to 4."""
    return int(value + 0.5)
