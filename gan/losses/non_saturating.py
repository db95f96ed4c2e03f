"""The non-saturating loss: the discriminator of minimax, and a generator whose gradient does not vanish."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gan.losses.cross_entropy import CrossEntropyOptions, cross_entropy, discriminator_cross_entropy
from gan.losses.interface import Loss
from gan.types import Logits, Scalar


@dataclass(frozen=True)
class Options(CrossEntropyOptions):
    """The options of the non-saturating loss."""

    name: str = "non_saturating"


def non_saturating_generator(fake_logits: Logits, real_logits: Logits | None = None) -> Scalar:
    """-E_fake[log sigmoid(logit)] = E_fake[softplus(-logit)].

    Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661, section 3 (last paragraph).

    Args:
        fake_logits: float [N, 1] of generated images.
        real_logits: ignored.

    Returns:
        Scalar in [0, inf); log 2 if all logits are 0.
    """
    del real_logits
    return cross_entropy(fake_logits, 1.0)


def make(options: Options) -> Loss:
    """The non-saturating loss with label smoothing and noise."""
    return Loss(
        name=options.name,
        generator=non_saturating_generator,
        discriminator=partial(discriminator_cross_entropy, label_smoothing=options.label_smoothing),
        label_noise=options.label_noise,
        logit_is_log_ratio=True,
        zero_is_boundary=True,
    )
