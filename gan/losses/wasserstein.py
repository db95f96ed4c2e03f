"""The Wasserstein loss, with a critic kept Lipschitz by clipping its weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gan.losses.interface import LabelFlips, Loss, LossOptions
from gan.options import key
from gan.types import Logits, Scalar
from gan.util.lazy import tf


@dataclass(frozen=True)
class Options(LossOptions):
    """The options of the Wasserstein loss."""

    name: str = "wasserstein"
    clip_value: float = key(
        0.01, "The critic's weights are clipped to +- this after each update.", min_value=1e-6, max_value=10
    )


def wasserstein_generator(fake_logits: Logits, real_logits: Logits | None = None) -> Scalar:
    """-E_fake[logit].

    Arjovsky, Chintala and Bottou (2017), "Wasserstein GAN", arXiv:1701.07875, algorithm 1, line 10.

    Args:
        fake_logits: float [N, 1] of generated images.
        real_logits: ignored.

    Returns:
        Scalar, unbounded.
    """
    del real_logits
    return -tf.reduce_mean(fake_logits)


def wasserstein_critic(real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
    """E_fake[logit] - E_real[logit]: minus the estimate of the Wasserstein-1 distance, up to the Lipschitz constant.

    Arjovsky, Chintala and Bottou (2017), "Wasserstein GAN", arXiv:1701.07875, equation 2 and algorithm 1, line 5,
    negated, since the critic ascends there.

    Args:
        real_logits: float [N, 1] of real images.
        fake_logits: float [N, 1] of generated images.
        flips: ignored; a critic has no labels.

    Returns:
        Scalar, unbounded.
    """
    del flips
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def clip_weights(variables: Iterable[Any], clip_value: float) -> None:
    """Clip every weight to [-clip_value, clip_value], in place.

    Arjovsky, Chintala and Bottou (2017), "Wasserstein GAN", arXiv:1701.07875, algorithm 1, line 7.

    Args:
        variables: the critic's trainable Keras variables.
        clip_value: > 0.
    """
    for variable in variables:
        variable.assign(tf.clip_by_value(tf.convert_to_tensor(variable), -clip_value, clip_value))


RECOMMENDED: dict[str, str | float] = {
    "train.discriminator_steps": 5,
    "optimizer.name": "rmsprop",
    "train.generator_learning_rate": 5e-5,
    "train.discriminator_learning_rate": 5e-5,
    "loss.clip_value": 0.01,
    "discriminator.dropout": 0.0,
}
"""The defaults of algorithm 1, and no dropout, as in the paper's critics.

The paper gives no rho. It advises against momentum (section 4): the critic's loss is nonstationary, and Adam made
training unstable.
"""


def make(options: Options) -> Loss:
    """The Wasserstein loss with clipped weights."""
    return Loss(
        name=options.name,
        generator=wasserstein_generator,
        discriminator=wasserstein_critic,
        critic=True,
        clip_value=options.clip_value,
        recommended=RECOMMENDED,
        source="Arjovsky et al. (2017), arXiv:1701.07875, algorithm 1",
    )
