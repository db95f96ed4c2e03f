"""KL divergences between the real and the generated distribution: a regulariser against mode collapse.

Two estimators; the weighted estimate is added to the generator's loss. The discriminator provides features or logits,
and is not trained by it.

`gaussian`: KL(real || generated) between Gaussians fitted to the discriminator's features of a real and of a generated
    batch. In this direction the divergence grows without bound as the variance of the generated features shrinks below
    that of the real ones, which is how a collapse shows. Works with every loss.
`density_ratio`: KL(generated || real) from the discriminator's logit, which estimates log(p_real / p_generated) if
    the discriminator is a classifier trained by cross-entropy on clean labels, and only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.losses.interface import DiscriminatorOutput
from gan.options import key
from gan.regularisers.interface import Regulariser, RegulariserOptions
from gan.types import Logits, Scalar, Tensor
from gan.util.lazy import tf

SHRINKAGE = 1e-2
EPSILON = 1e-12


@dataclass(frozen=True)
class Options(RegulariserOptions):
    """The KL divergence between the real and the generated distribution, added to the generator's loss."""

    TITLE: ClassVar[str] = "KL"
    METRIC: ClassVar[str] = "KL divergence in nats"

    estimator: str = key(
        "gaussian",
        "How it is estimated: between Gaussians fitted to the discriminator's features, or from the density ratio in "
        "its logit.",
        choices=("gaussian", "density_ratio"),
    )


def gaussian_kl(real_features: Tensor, fake_features: Tensor, *, shrinkage: float = SHRINKAGE) -> Scalar:
    """KL(N_real || N_fake) of Gaussians with diagonal covariance, fitted to two batches of features, in nats.

        KL = 1/2 sum_f [ s_r/s_f + (m_r - m_f)^2 / s_f - 1 - log(s_r/s_f) ]

    with the batch means m and variances s of each feature f (Kullback, 1959, "Information Theory and Statistics",
    chapter 9).

    The covariance is diagonal because the full one of 128 features is singular for a batch of 64. Each variance is
    increased by `shrinkage` times the mean real variance, on both sides, so that the divergence is finite for a
    collapsed batch, 0 for equal batches, and invariant to scaling all features.

    Args:
        real_features: float32 [N, F], N at least 2; no gradient flows into them.
        fake_features: float32 [M, F], M at least 2.
        shrinkage: > 0, relative to the mean variance of the real features.

    Returns:
        Scalar in [0, inf); 0 if and only if means and variances agree. Two batches of N from the same distribution
        score about 2 F / N by chance (4 for 128 features and batches of 64): that is the floor, not 0.
    """
    real_mean, real_variance = tf.nn.moments(tf.stop_gradient(real_features), axes=[0])
    fake_mean, fake_variance = tf.nn.moments(fake_features, axes=[0])
    floor = shrinkage * tf.reduce_mean(real_variance) + EPSILON
    real_variance, fake_variance = real_variance + floor, fake_variance + floor
    ratio = real_variance / fake_variance
    distance = tf.square(real_mean - fake_mean) / fake_variance
    return 0.5 * tf.reduce_sum(ratio - 1.0 - tf.math.log(ratio) + distance)


def density_ratio_kl(fake_logits: Logits) -> Scalar:
    """KL(p_g || p_r) = E_g[log(p_g / p_r)], estimated by -E_fake[logit], in nats.

    The classifier that minimises cross-entropy is D = p_r / (p_r + p_g) (Goodfellow et al., 2014, arXiv:1406.2661,
    proposition 1), so its logit log(D / (1 - D)) is log(p_r / p_g): density-ratio estimation by probabilistic
    classification (Sugiyama, Suzuki and Kanamori, 2012, "Density Ratio Estimation in Machine Learning", chapter 4).

    Its gradient is correct too, although the discriminator is held fixed. The divergence is the integral of p_g f(r)
    with r = p_r / p_g and f(r) = -log r; its derivative in p_g is f(r) - r f'(r) = 1 - log r, and the constant has no
    gradient, since p_g integrates to 1 (Nowozin, Cseke and Tomioka, 2016, "f-GAN", arXiv:1606.00709, table 1; Poole et
    al., 2016, "Improved generator objectives for GANs", arXiv:1612.02780). The divergence is -H(p_g) - E_g[log p_r]:
    minimising it raises the entropy of the generated distribution, which counters collapse.

    Args:
        fake_logits: float [N, 1] of generated images, from a discriminator trained by cross-entropy.

    Returns:
        Scalar, unbounded: at least 0 in expectation for an optimal discriminator, but a batch's estimate may be
            negative.
    """
    return -tf.reduce_mean(fake_logits)


def _gaussian(real: DiscriminatorOutput | None, fake: DiscriminatorOutput) -> Scalar:
    if real is None:
        raise ValueError("the gaussian estimator needs a real batch")
    return gaussian_kl(real.features, fake.features)


def _density_ratio(real: DiscriminatorOutput | None, fake: DiscriminatorOutput) -> Scalar:
    del real
    return density_ratio_kl(fake.logits)


def make(options: Options) -> Regulariser:
    """The regulariser with the chosen estimator."""
    gaussian = options.estimator == "gaussian"
    return Regulariser(
        name="kl",
        weight=options.weight,
        of_outputs=_gaussian if gaussian else _density_ratio,
        needs_real=gaussian,
    )
