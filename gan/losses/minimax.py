"""The minimax loss of the first GAN paper; the generator's gradient vanishes where the discriminator is confident."""

from __future__ import annotations

from functools import partial

import tensorflow as tf

from gan import config
from gan.losses.cross_entropy import CONFIG_KEYS, discriminator_cross_entropy
from gan.losses.interface import Loss
from gan.types import Logits, Scalar


def minimax_generator(fake_logits: Logits) -> Scalar:
    """E_fake[log(1 - sigmoid(logit))] = -E_fake[softplus(logit)].

    Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661, equation 1. Its gradient in a logit,
    -sigmoid(logit) / N, vanishes for images that the discriminator confidently rejects: it saturates.

    Args:
        fake_logits: float [N, 1] of generated images.

    Returns:
        Scalar in (-inf, 0]; -log 2 if all logits are 0.
    """
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def make(settings: config.Loss) -> Loss:
    """The minimax loss with the label smoothing and noise of the config."""
    return Loss(
        name="minimax",
        generator=minimax_generator,
        discriminator=partial(discriminator_cross_entropy, label_smoothing=settings.label_smoothing),
        config_keys=CONFIG_KEYS,
        label_noise=settings.label_noise,
        logit_is_log_ratio=True,
        zero_is_boundary=True,
    )
