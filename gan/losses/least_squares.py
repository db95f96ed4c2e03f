"""The least-squares loss (LSGAN): logits are pulled to a target, also those of images that are far beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gan.errors import ConfigError
from gan.losses.interface import LabelFlips, Loss, LossOptions
from gan.options import key
from gan.types import Logits, Scalar
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(LossOptions):
    """The targets a, b and c of Mao et al. (2017), "Least Squares Generative Adversarial Networks", arXiv:1611.04076.

    The defaults are equation 9, where the generator aims at what the discriminator wants of real images. With -1, 1 and
    0, equation 8, it minimises a Pearson chi-squared divergence.
    """

    name: str = "least_squares"
    fake_target: float = key(0.0, "a: the logit that the discriminator wants of generated images.")
    real_target: float = key(1.0, "b: the logit that the discriminator wants of real images.")
    generator_target: float = key(1.0, "c: the logit that the generator wants of its images.")

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        for name in ("real_target", "generator_target"):
            if getattr(self, name) <= self.fake_target:
                raise ConfigError(
                    f"loss.{name} must be above loss.fake_target, {self.fake_target}; got {getattr(self, name)}"
                )


def least_squares_discriminator(
    real_logits: Logits,
    fake_logits: Logits,
    flips: LabelFlips | None = None,
    *,
    real_target: float = 1.0,
    fake_target: float = 0.0,
) -> Scalar:
    """E_real[(logit - b)^2] / 2 + E_fake[(logit - a)^2] / 2.

    Mao et al. (2017), "Least Squares Generative Adversarial Networks", arXiv:1611.04076, equation 2.

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images.
        flips: ignored; the least-squares loss has no label probabilities.
        real_target: b.
        fake_target: a.

    Returns:
        Scalar in [0, inf).
    """
    del flips
    return 0.5 * (_mean_square(real_logits - real_target) + _mean_square(fake_logits - fake_target))


def least_squares_generator(fake_logits: Logits, real_logits: Logits | None = None, *, target: float = 1.0) -> Scalar:
    """E_fake[(logit - c)^2] / 2; see `least_squares_discriminator`.

    Args:
        fake_logits: float [N, 1] of generated images.
        real_logits: ignored.
        target: c.

    Returns:
        Scalar in [0, inf).
    """
    del real_logits
    return 0.5 * _mean_square(fake_logits - target)


def _mean_square(distance: Logits) -> Scalar:
    return tf.reduce_mean(tf.square(distance))


def make(options: Options) -> Loss:
    """The least-squares loss with its targets."""
    return Loss(
        name=options.name,
        generator=partial(least_squares_generator, target=options.generator_target),
        discriminator=partial(
            least_squares_discriminator, real_target=options.real_target, fake_target=options.fake_target
        ),
        zero_is_boundary=options.real_target == -options.fake_target,
    )
