"""Whether the exported generator draws what its checkpoint draws. Pure comparisons; `gan.steps.export` feeds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gan.errors import ParityError

if TYPE_CHECKING:
    from gan.types import Images, Json

ABSURD_DIFFERENCE = 0.1


def largest_difference(images: Images, others: Images) -> float:
    """The largest absolute difference of a pixel between two arrays of Images [N, H, W, C] in [-1, 1].

    Raises:
        ParityError: the shapes differ, or a pixel is not finite.
    """
    import numpy as np

    one, other = np.asarray(images, np.float64), np.asarray(others, np.float64)
    if one.shape != other.shape:
        raise ParityError(
            f"the exported generator draws images of shape {list(other.shape)}, its checkpoint {list(one.shape)}"
        )
    difference = float(np.max(np.abs(one - other)))
    if not np.isfinite(difference):
        raise ParityError(
            "the generator draws pixels that are not finite; train it again, or export an earlier checkpoint"
        )
    return difference


def check(differences: Mapping[str, float], most: float = ABSURD_DIFFERENCE) -> None:
    """Refuse an export that draws something else altogether; the gate judges the finer differences.

    Args:
        differences: the largest difference of a pixel, by the name of the exported format.
        most: the largest one that can still come from rounding.

    Raises:
        ParityError: one is larger.
    """
    for name, difference in differences.items():
        if difference > most:
            raise ParityError(
                f"{name} draws other pictures than its checkpoint: a pixel differs by {difference:.3g}, "
                f"at most {most:g} can come from rounding; nothing was published. Please report it"
            )


def score_differences(checkpoint: Mapping[str, Any], exported: Mapping[str, Any]) -> Json:
    """By how much each score of the exported generator differs from the checkpoint's: {name: exported - checkpoint}.

    Args:
        checkpoint: {name: {"value": ...}} as evaluated.
        exported: the same, scored from the exported generator's pictures with the same identity.
    """
    shared = [name for name in checkpoint if name in exported]
    pairs = {name: (float(checkpoint[name]["value"]), float(exported[name]["value"])) for name in shared}
    return {name: 0.0 if before == after else after - before for name, (before, after) in pairs.items()}


def scores_equal(checkpoint: Mapping[str, Any], differences: Mapping[str, float]) -> bool:
    """Whether the scores are the same but for rounding: a pixel that falls to the other side, and what comes of it.

    Each difference must be below a tenth of the score's confidence interval, or, where that is narrow, below a
    thousandth of the score. A score without an interval comes of the same features as the others, and is not looked at.

    Args:
        checkpoint: {name: {"value"[, "low", "high"]}} as evaluated.
        differences: as from `score_differences`, a value for each of these names.
    """
    measured = {name: score for name, score in checkpoint.items() if "low" in score}
    return all(name in differences and abs(differences[name]) <= _slack(score) for name, score in measured.items())


def _slack(score: Mapping[str, Any]) -> float:
    width = float(score["high"]) - float(score["low"])
    return max(0.1 * width, 1e-3 * abs(float(score["value"])), 1e-6)
