"""The non-saturating loss: the discriminator of minimax, and a generator whose gradient does not vanish."""

from __future__ import annotations

from functools import partial

from gan import config
from gan.losses.cross_entropy import CONFIG_KEYS, cross_entropy, discriminator_cross_entropy
from gan.losses.interface import Loss
from gan.types import Logits, Scalar


def non_saturating_generator(fake_logits: Logits) -> Scalar:
    """-E_fake[log sigmoid(logit)] = E_fake[softplus(-logit)].

    Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661, section 3 (last paragraph).

    Args:
        fake_logits: float [N, 1] of generated images.

    Returns:
        Scalar in [0, inf); log 2 if all logits are 0.
    """
    return cross_entropy(fake_logits, 1.0)


def make(settings: config.Loss) -> Loss:
    """The non-saturating loss with the label smoothing and noise of the config."""
    return Loss(
        name="non_saturating",
        generator=non_saturating_generator,
        discriminator=partial(discriminator_cross_entropy, label_smoothing=settings.label_smoothing),
        config_keys=CONFIG_KEYS,
        label_noise=settings.label_noise,
        logit_is_log_ratio=True,
        zero_is_boundary=True,
    )
