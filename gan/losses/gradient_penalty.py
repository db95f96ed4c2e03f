"""The gradient penalty, which keeps a critic close to 1-Lipschitz.

Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3:

    E[(|grad_x D(x)|_2 - 1)^2]    x = alpha real + (1 - alpha) fake,  alpha ~ U[0, 1] for each sample
"""

from __future__ import annotations

from collections.abc import Callable

from gan.types import Images, Logits, Scalar, Tensor
from gan.util.lazy import tf

MIN_SQUARED_NORM = 1e-24


def interpolate(real: Images, fake: Images, alpha: Tensor) -> Images:
    """Points on the line segments between pairs of a real and a generated image.

    Args:
        real: float32 [N, H, W, C].
        fake: float32 [N, H, W, C].
        alpha: float32 [N, 1, 1, 1] in [0, 1], one per sample: 1 is the real image, 0 the generated one.

    Returns:
        float32 [N, H, W, C].
    """
    return fake + alpha * (real - fake)


def penalty(gradients: Tensor) -> Scalar:
    """Mean of (|g|_2 - 1)^2 over the samples, with the norm over all pixels of a sample.

    At g = 0, where the norm is not differentiable, its gradient is 0.

    Args:
        gradients: float32 [N, H, W, C].

    Returns:
        Scalar in [0, inf); 0 if every sample's gradient has norm 1, 1 if all are zero.
    """
    squared = tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(gradients.shape))))
    norms = tf.sqrt(tf.maximum(squared, MIN_SQUARED_NORM))
    return tf.reduce_mean(tf.square(norms - 1.0))


def gradient_penalty(critic: Callable[[Images], Logits], real: Images, fake: Images, alpha: Tensor) -> Scalar:
    """The penalty of a critic at interpolates; differentiable in the critic's weights.

    Args:
        critic: from images [N, H, W, C] to logits [N, 1], each of which depends on its own image only: no BatchNorm.
        real: float32 [N, H, W, C].
        fake: float32 [N, H, W, C].
        alpha: float32 [N, 1, 1, 1], uniform in [0, 1].

    Returns:
        Scalar in [0, inf), without the weight lambda.
    """
    points = tf.stop_gradient(interpolate(real, fake, alpha))
    with tf.GradientTape() as tape:
        tape.watch(points)
        logits = critic(points)
    return penalty(tape.gradient(logits, points))
