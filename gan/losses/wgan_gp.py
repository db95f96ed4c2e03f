"""The Wasserstein loss, with a critic kept Lipschitz by a penalty on its gradient."""

from __future__ import annotations

from dataclasses import dataclass

from gan.losses.interface import Loss, LossOptions
from gan.losses.wasserstein import wasserstein_critic, wasserstein_generator
from gan.options import key


@dataclass(frozen=True)
class Options(LossOptions):
    """The options of the Wasserstein loss with gradient penalty."""

    name: str = "wgan_gp"
    gradient_penalty: float = key(10.0, "Weight of the gradient penalty.", min_value=0, max_value=1e4)


RECOMMENDED: dict[str, str | float] = {
    "train.discriminator_steps": 5,
    "optimizer.name": "adam",
    "train.generator_learning_rate": 1e-4,
    "train.discriminator_learning_rate": 1e-4,
    "optimizer.beta_1": 0.0,
    "optimizer.beta_2": 0.9,
    "loss.gradient_penalty": 10.0,
    "discriminator.dropout": 0.0,
}
"""The defaults of algorithm 1, and no dropout: the penalty constrains the gradient of one function, and each dropout
mask gives another one.
"""


def make(options: Options) -> Loss:
    """The losses of `gan.losses.wasserstein`, with a weighted `gan.losses.gradient_penalty`.

    Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3 and algorithm 1.
    """
    return Loss(
        name=options.name,
        generator=wasserstein_generator,
        discriminator=wasserstein_critic,
        critic=True,
        gradient_penalty=options.gradient_penalty,
        recommended=RECOMMENDED,
        source="Gulrajani et al. (2017), arXiv:1704.00028, algorithm 1",
    )
