"""The relativistic pairing loss (RpGAN): each real image is compared with one generated image.

The discriminator only has to rank the two, so that it can't reject all generated images with one threshold, and the
loss has no bad local minima where the generator drops modes (Sun, Fang and Schwing, 2020, "Towards a Better Global Loss
Landscape of GANs", arXiv:2011.04926, section 3). By itself it need not converge: it needs the regularisers r1 and r2
(Huang et al., 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv:2501.05441, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.losses.interface import LabelFlips, Loss, LossOptions
from gan.types import Logits, Scalar
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(LossOptions):
    """Each real image against one generated image; it has no options. For use with the regularisers r1 and r2."""

    name: str = "relativistic"


def relativistic_discriminator(real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
    """E[softplus(fake - real)] = -E[log sigmoid(real - fake)] over pairs of a real and a generated image.

    Jolicoeur-Martineau (2018), "The relativistic discriminator: a key element missing from standard GAN",
    arXiv:1807.00734, section 4.2 ("RSGAN"); Huang et al. (2024), arXiv:2501.05441, equation 2, with
    f(t) = -log(1 + exp(-t)): there the discriminator raises f(D(G(z)) - D(x)), with the sign of D exchanged.

    The images of a pair have the same position in their batches. A conditional generator makes the classes of the real
    batch in its order, so those of a pair are of one class; else the pairs are of independent images.

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images, as many.
        flips: ignored; a pair has no label.

    Returns:
        Scalar in [0, inf); log 2 if all logits are equal. It depends on the differences of logits alone.
    """
    del flips
    return tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))


def relativistic_generator(fake_logits: Logits, real_logits: Logits | None = None) -> Scalar:
    """E[softplus(real - fake)]: the roles exchanged, which does not saturate; see `relativistic_discriminator`.

    Args:
        fake_logits: float [N, 1] of generated images.
        real_logits: float [N, 1] of real images, as many.

    Returns:
        Scalar in [0, inf); log 2 if all logits are equal.

    Raises:
        ValueError: there are no real logits.
    """
    if real_logits is None:
        raise ValueError("the relativistic loss of the generator needs the logits of a real batch")
    return tf.reduce_mean(tf.nn.softplus(real_logits - fake_logits))


def make(options: Options) -> Loss:
    """The relativistic pairing loss."""
    return Loss(
        name=options.name,
        generator=relativistic_generator,
        discriminator=relativistic_discriminator,
        needs_real_logits=True,
        recommended_regularisers=("r1", "r2"),
        source="Huang et al. (2024), arXiv:2501.05441, section 2",
    )
