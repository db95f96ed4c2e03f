"""The Wasserstein loss, with a critic kept Lipschitz by a penalty on its gradient."""

from __future__ import annotations

from gan import config
from gan.losses.interface import Loss
from gan.losses.wasserstein import wasserstein_critic, wasserstein_generator


def make(settings: config.Loss) -> Loss:
    """The losses of `gan.losses.wasserstein`, with the weight of `gan.losses.gradient_penalty` of the config.

    Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3 and algorithm 1.
    """
    return Loss(
        name="wgan_gp",
        generator=wasserstein_generator,
        discriminator=wasserstein_critic,
        reads=frozenset({"gradient_penalty"}),
        gradient_penalty=settings.gradient_penalty,
    )
