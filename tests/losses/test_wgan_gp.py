from __future__ import annotations

import numpy as np

from gan.losses import wasserstein, wgan_gp


def test_it_is_the_wasserstein_loss_with_a_penalty_instead_of_clipping() -> None:
    made = wgan_gp.make(wgan_gp.Options(gradient_penalty=7.0))
    real, fake = np.array([[1.0], [3.0]]), np.array([[-1.0], [0.0]])
    assert made.gradient_penalty == 7.0
    assert made.clip_value is None
    assert float(made.discriminator(real, fake)) == float(wasserstein.wasserstein_critic(real, fake))
    assert float(made.generator(fake)) == float(wasserstein.wasserstein_generator(fake))
