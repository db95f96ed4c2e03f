"""Mode coverage: how many kinds of images a generator draws, and how often.

Modes are classes, combinations of attributes, or clusters (`gan.metrics.mode_kinds`); an image counts for its most
probable one. Metz et al. 2017, "Unrolled Generative Adversarial Networks", and Srivastava et al. 2017, "VEEGAN",
report the number of modes found and the KL divergence to the real distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from gan.metrics.estimate import Score, share

if TYPE_CHECKING:
    from gan.metrics.feature_batch import Comparison

Counts = npt.NDArray[np.int64]


def histogram(probabilities: npt.NDArray[np.floating]) -> Counts:
    """Images a mode, int64 [K], of mode probabilities [N, K]."""
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1]).astype(np.int64)


FOUND_SHARE = 0.1


def modes_found(generated: Counts, real: Counts) -> int:
    """Modes that are drawn at `FOUND_SHARE` of their share of the real images or more.

    So no mode is found by one image that the network misread. Modes that no real image shows don't count.
    """
    return int(np.count_nonzero((generated >= _enough(generated, real)) & (real > 0)))


def modes_found_error(generated: Counts, real: Counts) -> float:
    """Standard error of `modes_found` over other generated images.

    Each mode is found or not by a binomial count. The counts of modes depend on each other only a little.
    """
    total = int(generated.sum())
    found = binom.sf(np.ceil(_enough(generated, real)) - 1, total, generated / total)[real > 0]
    return float(np.sqrt(np.sum(found * (1 - found))))


def _enough(generated: Counts, real: Counts) -> npt.NDArray[np.float64]:
    """How many images of each mode are enough for it to be found: [K], at least 1."""
    enough: npt.NDArray[np.float64] = np.maximum(FOUND_SHARE * generated.sum() * real / real.sum(), 1.0)
    return enough


def mode_kl(generated: Counts, real: Counts) -> float:
    """KL(generated || real) in nats between two histograms [K]; at least 0, and 0 only for equal shares.

    A mode without a real image is given half an image, so that drawing it costs much but not infinitely much.
    """
    expected = np.where(real > 0, real, 0.5).astype(np.float64)
    expected /= expected.sum()
    shares = generated / generated.sum()
    drawn = shares > 0
    return max(0.0, float(np.sum(shares[drawn] * np.log(shares[drawn] / expected[drawn]))))


def mode_kl_error(generated: Counts, real: Counts) -> float:
    """Standard error of `mode_kl` over N other generated images, of K modes.

    The variance by the delta method is Var(log(p / q)) / N. Near the floor, where 2 N KL is chi-squared with K - 1
    degrees of freedom (Wilks 1938), the variance is (K - 1) / (2 N^2), and the delta method counts it twice.
    """
    expected = np.where(real > 0, real, 0.5).astype(np.float64)
    expected /= expected.sum()
    total = generated.sum()
    shares = generated / total
    drawn = shares > 0
    ratios = np.log(shares[drawn] / expected[drawn])
    mean = np.sum(shares[drawn] * ratios)
    first_order = float(np.sum(shares[drawn] * (ratios - mean) ** 2) / total)
    of_chance = (np.count_nonzero(real) - 1) / (2 * float(total) ** 2)
    return float(np.sqrt(max(first_order - of_chance, first_order / 2)))


def kl_floor(modes: int, samples: int, real_images: int | None = None) -> float:
    """The KL divergence that a perfect sampler would score, for it draws finitely many images: (K - 1) / 2N.

    Where the real distribution is itself estimated, from M images, (K - 1) / 2M comes on top. (The likelihood ratio
    2 N KL is chi-squared with K - 1 degrees of freedom; Wilks 1938.)
    """
    return (modes - 1) / 2 * (1 / samples + (1 / real_images if real_images else 0.0))


def is_sure(probabilities: npt.NDArray[np.floating], above: float) -> npt.NDArray[np.bool_]:
    """Which images [N] show one mode with a probability greater than `above`, of mode probabilities [N, K]."""
    sure: npt.NDArray[np.bool_] = probabilities.max(axis=1) > above
    return sure


def measure(comparison: Comparison) -> dict[str, Score]:
    """`modes_found`, `mode_kl` (with its floor) and, where modes tell it, `high_confidence` of all images.

    The intervals are about other generated images.
    """
    real, generated = comparison.real.mode_counts(), comparison.generated.mode_counts()
    found, kl = modes_found(generated, real), mode_kl(generated, real)
    scores = {
        "modes_found": Score(found, _interval(found, modes_found_error(generated, real), len(real))),
        "mode_kl": Score(
            kl,
            _interval(kl, mode_kl_error(generated, real), np.inf),
            floor=kl_floor(len(real), len(comparison.generated), len(comparison.real)),
        ),
    }
    if comparison.has_confidence:
        above = comparison.protocol.sure_above
        scores["high_confidence"] = share(generated=is_sure(comparison.generated.mode_probabilities, above))
    return scores


def _interval(value: float, error: float, most: float) -> Callable[[float], tuple[float, float]]:
    def interval(confidence: float) -> tuple[float, float]:
        reach = NormalDist().inv_cdf(0.5 + confidence / 2) * error
        return max(0.0, value - reach), min(most, value + reach)

    return interval
