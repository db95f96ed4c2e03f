"""The hinge loss: images beyond the margin give the discriminator no gradient."""

from __future__ import annotations

from dataclasses import dataclass

from gan.losses.interface import LabelFlips, Loss, LossOptions
from gan.losses.wasserstein import wasserstein_generator
from gan.types import Logits, Scalar
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(LossOptions):
    """The hinge loss has no options."""

    name: str = "hinge"


def hinge_discriminator(real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
    """E_real[max(0, 1 - logit)] + E_fake[max(0, 1 + logit)].

    Lim and Ye (2017), "Geometric GAN", arXiv:1705.02894, section 3.1; Miyato et al. (2018), "Spectral
    Normalization for Generative Adversarial Networks", arXiv:1802.05957, equation 16.
    The generator's loss is -E_fake[logit] (equation 17 in the latter).

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images.
        flips: ignored; the hinge loss has no label probabilities.

    Returns:
        Scalar in [0, inf); 2 if all logits are 0; 0, with zero gradient, if all are beyond the margins.
    """
    del flips
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))


def make(options: Options) -> Loss:
    """The hinge loss."""
    return Loss(options.name, wasserstein_generator, hinge_discriminator, zero_is_boundary=True)
