"""Linear probes: the directions of latent space along which a classifier's outputs change most. Pure functions.

A probe regresses the log-odds of a class or attribute, as a classifier sees it in generated images, on their latents,
by least squares. For normal latents this finds the direction of any monotone single-index model, not only of a linear
one (Brillinger 1982, "A generalized linear model with Gaussian regressor variables"). Moving latents along it is the
method of Shen et al. 2020, "Interpreting the Latent Space of GANs for Semantic Face Editing" (arXiv:1907.10786), which
fits support vector machines instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gan.types import Floats, Latents

    Bools = npt.NDArray[np.bool_]

HELD_OUT = 0.2
MIN_HELD_OUT_IMAGES = 20
MIN_PROBABILITY = 0.01
MIN_NORM = 1e-9


@dataclass(frozen=True)
class Probe:
    """The probe of one class or attribute.

    direction: float64 [Z] of length 1; zeros if the images never differ.
    auc: how well the position along the direction tells images that show it from the others, on images that were not
        fitted: the area under the ROC curve, 0.5 for chance, 1 for perfect. None if fewer than `MIN_HELD_OUT_IMAGES`
        of them show it, or do not show it.
    share: the share of all images that show it.
    """

    direction: Floats
    auc: float | None
    share: float


def fit(latents: Latents, probabilities: npt.NDArray[np.floating], shown: Bools) -> list[Probe]:
    """A probe for each of K classes or attributes: fitted to the first 80 % of the images, measured on the others.

    Args:
        latents: standard normal [N, Z], where N is much larger than Z.
        probabilities: of each class or attribute, [N, K] in [0, 1].
        shown: whether each image is taken to show it, [N, K].
    """
    import numpy as np

    fitted = len(latents) - int(HELD_OUT * len(latents))
    points = np.asarray(latents, np.float64)
    slopes = least_squares_slopes(points[:fitted], log_odds(probabilities[:fitted]))
    lengths = np.linalg.norm(slopes, axis=0)
    directions = np.where(lengths > MIN_NORM, slopes / np.maximum(lengths, MIN_NORM), 0.0)
    positions = points[fitted:] @ directions
    return [
        Probe(directions[:, index], _held_out_auc(positions[:, index], shown[fitted:, index]), float(each.mean()))
        for index, each in enumerate(shown.T)
    ]


def log_odds(probabilities: npt.NDArray[np.floating]) -> Floats:
    """log(p / (1 - p)), with p limited to 0.01 to 0.99, so that a few very sure predictions do not decide the fit."""
    import numpy as np

    limited = np.clip(np.asarray(probabilities, np.float64), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.log(limited) - np.log1p(-limited)


def least_squares_slopes(points: Floats, targets: Floats) -> Floats:
    """The slopes [Z, K] of the least-squares fit, with an intercept, of targets [N, K] to points [N, Z]."""
    import numpy as np

    solution, *_ = np.linalg.lstsq(points - points.mean(axis=0), targets - targets.mean(axis=0), rcond=None)
    return np.asarray(solution, np.float64)


def auc(positions: Floats, shown: Bools) -> float:
    """The area under the ROC curve: the probability that a random image that shows it has the higher position.

    Ties count half: this is the statistic of Mann and Whitney over the number of pairs.

    Args:
        positions: [N].
        shown: [N], not all equal.
    """
    from scipy.stats import rankdata

    positives = int(shown.sum())
    ranks = float(rankdata(positions)[shown].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(shown) - positives))


def _held_out_auc(positions: Floats, shown: Bools) -> float | None:
    positives = int(shown.sum())
    if min(positives, len(shown) - positives) < MIN_HELD_OUT_IMAGES:
        return None
    return auc(positions, shown)


def orthogonal_to(direction: Floats, others: Floats) -> Floats | None:
    """The part of a direction [Z] that is orthogonal to other directions [M, Z], of length 1 again.

    Moving along it does not change the position along any of the others. None if less than a tenth of it is left.
    """
    import numpy as np

    rest = direction - others.T @ np.linalg.lstsq(others.T, direction, rcond=None)[0]
    length = float(np.linalg.norm(rest))
    return None if length < 0.1 else rest / length
