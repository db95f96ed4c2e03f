"""Mode coverage: how many kinds of images a generator draws, and how often.

Modes are classes, combinations of attributes, or clusters (`gan.metrics.mode_kinds`); an image counts for its most
probable one. Metz et al. 2017, "Unrolled Generative Adversarial Networks", and Srivastava et al. 2017, "VEEGAN",
report the number of modes found and the KL divergence to the real distribution.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def histogram(probabilities: npt.NDArray[np.floating]) -> Counts:
    """Images a mode, int64 [K], of mode probabilities [N, K]."""
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1]).astype(np.int64)


def modes_found(counts: Counts) -> int:
    """Modes with at least one image, of K."""
    return int(np.count_nonzero(counts))


def mode_kl(generated: Counts, real: Counts) -> float:
    """KL(generated || real) in nats between two histograms [K]; at least 0, and 0 only for equal shares.

    A mode without a real image is given half an image, so that drawing it costs much but not infinitely much.
    """
    expected = np.where(real > 0, real, 0.5).astype(np.float64)
    expected /= expected.sum()
    shares = generated / generated.sum()
    drawn = shares > 0
    return max(0.0, float(np.sum(shares[drawn] * np.log(shares[drawn] / expected[drawn]))))


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
