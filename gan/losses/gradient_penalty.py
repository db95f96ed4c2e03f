"""The gradient penalty, which keeps a critic close to 1-Lipschitz.

Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3:

    E[(|grad_x D(x)|_2 - 1)^2]    x = alpha real + (1 - alpha) fake,  alpha ~ U[0, 1] for each sample
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from gan.types import Images, Logits, Scalar, Tensor

LEAST_SQUARED_NORM = 1e-24


def interpolate(real: Images, fake: Images, alpha: Tensor) -> Images:
    """Points on the lines between pairs of a real and a generated image.

    Args:
        real: float32 [N, H, W, C].
        fake: float32 [N, H, W, C].
        alpha: float32 [N, 1, 1, 1] in [0, 1], one for each sample: 1 is the real image, 0 the generated one.
    """
    return fake + alpha * (real - fake)


def penalty(gradients: Tensor) -> Scalar:
    """Mean of (|g|_2 - 1)^2 over the samples, the norm taken over all pixels of a sample.

    The gradient of the norm is finite at g = 0 as well (0, where it is not defined).

    Args:
        gradients: float32 [N, H, W, C].

    Returns:
        Scalar in [0, inf); 0 where every sample's gradient has norm 1, 1 where all are zero.
    """
    squared = tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(gradients.shape))))
    norms = tf.sqrt(tf.maximum(squared, LEAST_SQUARED_NORM))
    return tf.reduce_mean(tf.square(norms - 1.0))


def gradient_penalty(critic: Callable[[Images], Logits], real: Images, fake: Images, alpha: Tensor) -> Scalar:
    """The penalty of a critic on interpolates; differentiable in the critic's weights.

    Args:
        critic: from images [N, H, W, C] to logits [N, 1], each of which depends on its own image alone: no BatchNorm.
        real: float32 [N, H, W, C].
        fake: float32 [N, H, W, C].
        alpha: float32 [N, 1, 1, 1], uniform in [0, 1].

    Returns:
        Scalar in [0, inf), without its weight.
    """
    points = tf.stop_gradient(interpolate(real, fake, alpha))
    with tf.GradientTape() as tape:
        tape.watch(points)
        logits = critic(points)
    return penalty(tape.gradient(logits, points))
