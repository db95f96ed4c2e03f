"""The zero-centred gradient penalty of r1 and r2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.regularisers.interface import LazyOptions
from gan.types import Scalar, Tensor
from gan.util.lazy import tf


@dataclass(frozen=True)
class GradientNormOptions(LazyOptions):
    """A penalty on the discriminator's gradient in its images."""

    OF_GRADIENTS: ClassVar[bool] = True


def half_mean_square_norm(gradients: Tensor) -> Scalar:
    """E[|g|^2] / 2: the mean over the samples of half the squared norm, over all pixels of a sample.

    Mescheder, Geiger and Nowozin (2018), "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406,
    equations 9 and 10, without gamma: the weight of the regulariser is their gamma.

    Args:
        gradients: float32 [N, H, W, C].

    Returns:
        Scalar in [0, inf).
    """
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(gradients.shape)))))
