"""Binary cross-entropy of the discriminator, with one-sided label smoothing and label noise.

Used by the two losses whose discriminator is a classifier: `minimax` and `non_saturating`.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.losses.interface import LabelFlips, LossOptions
from gan.options import key
from gan.types import Logits, Scalar, Tensor
from gan.util.lazy import tf


@dataclass(frozen=True)
class CrossEntropyOptions(LossOptions):
    """The options of a loss whose discriminator is a classifier."""

    label_smoothing: float = key(
        0.0, "One-sided label smoothing: the target for real images is 1 minus this.", min_value=0, max_value=0.5
    )
    label_noise: float = key(0.0, "Share of the discriminator's labels flipped at random.", min_value=0, max_value=0.5)


def cross_entropy(logits: Logits, targets: Tensor | float) -> Scalar:
    """Mean of -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) = softplus(x) - t x, stable for every finite x.

    Args:
        logits: x, float [N, 1], unbounded.
        targets: t, float [N, 1] or scalar in [0, 1]: the probability of "real".

    Returns:
        Scalar in [0, inf); log 2 if all logits are 0.
    """
    return tf.reduce_mean(tf.nn.softplus(-logits) * targets + tf.nn.softplus(logits) * (1.0 - targets))


def discriminator_cross_entropy(
    real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None, *, label_smoothing: float = 0.0
) -> Scalar:
    """The discriminator's loss: cross-entropy on real images plus cross-entropy on generated ones.

    Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661, equation 1, negated:
    -E_real[log D] - E_fake[log(1 - D)] with D = sigmoid(logit). One-sided label smoothing after Salimans et al. (2016),
    "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.4: the target is 1 - `label_smoothing` for
    the label "real" and 0 for the label "generated".

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images.
        flips: label noise: a flipped real image is labelled generated, and vice versa.
        label_smoothing: in [0, 0.5].

    Returns:
        Scalar in [0, inf); 2 log 2 if all logits are 0.
    """
    real_target = 1.0 - label_smoothing
    if flips is None:
        return cross_entropy(real_logits, real_target) + cross_entropy(fake_logits, 0.0)
    return cross_entropy(real_logits, tf.where(flips.real, tf.zeros_like(real_logits), real_target)) + cross_entropy(
        fake_logits, tf.where(flips.fake, real_target, tf.zeros_like(fake_logits))
    )
