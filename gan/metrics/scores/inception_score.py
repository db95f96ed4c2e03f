"""Inception Score: whether images are classified with confidence, and into many classes.

Salimans et al. 2016, "Improved Techniques for Training GANs", section 4: exp(E_x KL(p(y | x) || p(y))), for networks
with class probabilities. It ranges from 1 (one class, or no confidence) to K. It ignores real images: a generator with
one perfect image per class has the best possible score. Values of different networks or numbers of images can't be
compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore

if TYPE_CHECKING:
    from gan.types import Floats

SPLITS = 10  # as in the code of Salimans et al.


class InceptionScore(NamedTuple):
    """The mean over the splits, and the standard deviation over them, as papers report it; 0 for one split."""

    value: float
    deviation: float


def inception_score(probabilities: npt.NDArray[np.floating], *, splits: int = SPLITS) -> InceptionScore:
    """The score of class probabilities [N, K], rows of which sum to 1.

    The images are scored in order in `splits` parts, at most N; the first parts have one more image if N is not a
    multiple.
    """
    parts = np.array_split(np.asarray(probabilities, np.float64), min(splits, len(probabilities)))
    scores = [float(np.exp(divergences(part).mean())) for part in parts]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def divergences(probabilities: npt.NDArray[np.floating]) -> Floats:
    """KL(p(y | x) || p(y)) of each image [N, K], in nats: float64 [N]. exp of its mean is the score in one split."""
    exact = np.asarray(probabilities, np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)
    marginal = exact.mean(axis=0)
    return np.asarray(xlogy(exact, exact).sum(axis=1) - xlogy(exact, marginal).sum(axis=1))


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`inception_score` of the feature network's class probabilities; no score if it has none."""
    probabilities = comparison.generated.class_probabilities
    if probabilities is None:
        return {}
    return {"inception_score": LazyScore(max(1.0, inception_score(probabilities).value))}
