"""The minimax loss of the first GAN paper; the generator's gradient vanishes where the discriminator is confident."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gan.losses.cross_entropy import CrossEntropyOptions, discriminator_cross_entropy
from gan.losses.interface import Loss
from gan.types import Logits, Scalar
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(CrossEntropyOptions):
    """The options of the minimax loss."""

    name: str = "minimax"


def minimax_generator(fake_logits: Logits, real_logits: Logits | None = None) -> Scalar:
    """E_fake[log(1 - sigmoid(logit))] = -E_fake[softplus(logit)].

    Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661, equation 1. Its gradient in a logit,
    -sigmoid(logit) / N, vanishes for images that the discriminator confidently rejects: it saturates.

    Args:
        fake_logits: float [N, 1] of generated images.
        real_logits: ignored.

    Returns:
        Scalar in (-inf, 0]; -log 2 if all logits are 0.
    """
    del real_logits
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def make(options: Options) -> Loss:
    """The minimax loss with label smoothing and noise."""
    return Loss(
        name=options.name,
        generator=minimax_generator,
        discriminator=partial(discriminator_cross_entropy, label_smoothing=options.label_smoothing),
        label_noise=options.label_noise,
        logit_is_log_ratio=True,
        zero_is_boundary=True,
    )
