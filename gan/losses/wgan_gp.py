"""The Wasserstein loss, with a critic kept Lipschitz by a penalty on its gradient."""

from __future__ import annotations

from gan import config
from gan.losses.interface import Loss
from gan.losses.wasserstein import wasserstein_critic, wasserstein_generator

RECOMMENDED: dict[str, str | float] = {
    "train.discriminator_steps": 5,
    "train.optimizer": "adam",
    "train.generator_learning_rate": 1e-4,
    "train.discriminator_learning_rate": 1e-4,
    "train.beta_1": 0.0,
    "train.beta_2": 0.9,
    "loss.gradient_penalty": 10.0,
    "discriminator.dropout": 0.0,
}
"""The defaults of algorithm 1, and no dropout: the penalty constrains the gradient of one function, and each dropout
mask gives another one.
"""


def make(settings: config.Loss) -> Loss:
    """The losses of `gan.losses.wasserstein`, with a weighted `gan.losses.gradient_penalty`.

    Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3 and algorithm 1.
    """
    return Loss(
        name="wgan_gp",
        generator=wasserstein_generator,
        discriminator=wasserstein_critic,
        config_keys=frozenset({"gradient_penalty"}),
        gradient_penalty=settings.gradient_penalty,
        recommended=RECOMMENDED,
        source="Gulrajani et al. (2017), arXiv:1704.00028, algorithm 1",
    )
