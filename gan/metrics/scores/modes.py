"""Mode coverage: how many modes of the data a generator produces, and how often.

Modes are classes, combinations of attributes, or clusters (`gan.metrics.features.mode_definitions`); an image counts
for its most probable one. Metz et al. 2017, "Unrolled Generative Adversarial Networks", and Srivastava et al. 2017,
"VEEGAN", report the number of modes found and the KL divergence to the real distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.stats

from gan.metrics.maths.estimate import LazyScore, share

if TYPE_CHECKING:
    from gan.metrics.feature_batch import Comparison
    from gan.types import Floats

Counts = npt.NDArray[np.int64]
MIN_RELATIVE_SHARE = 0.1  # of a mode's share among real images, so that one misclassified image finds no mode


def modes_found(generated: Counts, real: Counts) -> int:
    """The number of modes whose share of generated images is at least `MIN_RELATIVE_SHARE` of that of real images.

    Args:
        generated: generated images per mode [K].
        real: real images per mode [K]; modes without one don't count.
    """
    return int(np.count_nonzero((real > 0) & (generated >= _min_counts(int(generated.sum()), real))))


def modes_found_error(generated: Counts, real: Counts) -> float:
    """Standard error of `modes_found` over other images of the same generator, with the real images fixed.

    The number of images of a mode is binomial. The numbers of two modes are negatively associated (Joag-Dev & Proschan
    1983), so the sum of the variances is an upper bound.
    """
    count, has_real = int(generated.sum()), real > 0
    return found_error(generated[has_real], _min_counts(count, real)[has_real], count)


def found_error(generated: Counts, needed: Counts, count: int) -> float:
    """Standard error of the number of modes that have as many images as they need; see `modes_found_error`.

    Args:
        generated: images per mode [K].
        needed: the images that each mode needs to be found [K].
        count: generated images in all, also of other modes.
    """
    probability = scipy.stats.binom.sf(needed - 1, count, generated / count)
    return float(np.sqrt(np.sum(probability * (1.0 - probability))))


def _min_counts(count: int, real: Counts) -> Counts:
    """How many of `count` images each mode [K] needs to be found, at least 1."""
    least: Counts = np.ceil(MIN_RELATIVE_SHARE * count * real / real.sum() - 1e-9).astype(np.int64)
    return np.maximum(least, 1)


def mode_kl(generated: Counts, real: Counts) -> float:
    """KL(generated || real) in nats between two histograms [K]; at least 0, and 0 only for equal shares.

    A mode without a real image counts as half an image, so that the divergence stays finite.
    """
    shares, logarithms = _log_ratios(generated, real)
    return max(0.0, float(shares @ logarithms))


def mode_kl_error(generated: Counts, real: Counts) -> float:
    """Standard error of `mode_kl` over other images of the same generator, with the real images fixed.

    The delta method gives Var(log p/q) / N. Near the floor 2 N KL is chi-squared (see `kl_floor`): the variance there
    is (K - 1) / 2N^2. The delta method with estimated shares counts it twice, so it is subtracted once.
    """
    count = float(generated.sum())
    shares, logarithms = _log_ratios(generated, real)
    first_order = float(shares @ (logarithms - shares @ logarithms) ** 2) / count
    second_order = (len(shares) - 1) / 2 / count**2
    return math.sqrt(max(first_order - second_order, second_order))


def _log_ratios(generated: Counts, real: Counts) -> tuple[Floats, Floats]:
    """Shares of the modes of generated images, and the logarithms of their ratios to the real shares."""
    expected = np.where(real > 0, real, 0.5).astype(np.float64)
    expected /= expected.sum()
    shares = generated / generated.sum()
    drawn = shares > 0
    return shares[drawn], np.log(shares[drawn] / expected[drawn])


def kl_floor(modes: int, samples: int, real_images: int | None = None) -> float:
    """The KL divergence that a perfect sampler would score with N images: (K - 1) / 2N.

    If the real distribution is estimated from M images, (K - 1) / 2M is added. (The likelihood ratio 2 N KL is
    chi-squared with K - 1 degrees of freedom; Wilks 1938.)
    """
    return (modes - 1) / 2 * (1 / samples + (1 / real_images if real_images else 0.0))


def is_confident(probabilities: npt.NDArray[np.floating], threshold: float) -> npt.NDArray[np.bool_]:
    """Whether each image [N] has a mode with probability above `threshold`, from mode probabilities [N, K]."""
    confident: npt.NDArray[np.bool_] = probabilities.max(axis=1) > threshold
    return confident


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`modes_found`, `mode_kl` (with its floor) and, if the modes express confidence, `high_confidence` of all images.

    The intervals are over other generated images.
    """
    real, generated = comparison.real.mode_counts(), comparison.generated.mode_counts()
    found, kl = modes_found(generated, real), mode_kl(generated, real)
    scores = {
        "modes_found": LazyScore(
            found, normal_interval(found, modes_found_error(generated, real), float(np.count_nonzero(real)))
        ),
        "mode_kl": LazyScore(
            kl,
            normal_interval(kl, mode_kl_error(generated, real), np.inf),
            floor=kl_floor(len(real), len(comparison.generated), len(comparison.real)),
        ),
    }
    if comparison.has_confidence:
        threshold = comparison.protocol.confidence_threshold
        scores["high_confidence"] = share(generated=is_confident(comparison.generated.mode_probabilities, threshold))
    return scores


def normal_interval(value: float, error: float, high: float) -> Callable[[float], tuple[float, float]]:
    """The interval of a score in [0, high] with a normal error, by the level of confidence."""

    def interval(confidence: float) -> tuple[float, float]:
        half_width = NormalDist().inv_cdf(0.5 + confidence / 2) * error
        return max(0.0, value - half_width), min(high, value + half_width)

    return interval
