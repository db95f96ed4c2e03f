"""Parity: whether an exported generator draws the same images as its checkpoint. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gan.errors import ParityError

if TYPE_CHECKING:
    from gan.types import Images, Json

MAX_ROUNDING_DIFFERENCE = 0.1


def largest_difference(images: Images, others: Images) -> float:
    """The largest absolute pixel difference between two batches of Images [N, H, W, C] in [-1, 1].

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


def check(differences: Mapping[str, float], max_difference: float = MAX_ROUNDING_DIFFERENCE) -> None:
    """Refuse an export that draws different images; the gate decides on small differences.

    Args:
        differences: the largest pixel difference, by the name of the exported format.
        max_difference: the largest difference that rounding can cause.

    Raises:
        ParityError: one is larger.
    """
    for name, difference in differences.items():
        if difference > max_difference:
            raise ParityError(
                f"{name} draws other pictures than its checkpoint: a pixel differs by {difference:.3g}, "
                f"at most {max_difference:g} can come from rounding; nothing was published. Please report it"
            )


def score_differences(checkpoint: Mapping[str, Any], exported: Mapping[str, Any]) -> Json:
    """The differences of the exported generator's scores: {name: exported - checkpoint}.

    Args:
        checkpoint: {name: {"value": ...}} as evaluated.
        exported: the same for the exported generator's images, with the same identity.
    """
    shared = [name for name in checkpoint if name in exported]
    pairs = {name: (float(checkpoint[name]["value"]), float(exported[name]["value"])) for name in shared}
    return {name: 0.0 if before == after else after - before for name, (before, after) in pairs.items()}


def scores_equal(checkpoint: Mapping[str, Any], differences: Mapping[str, float]) -> bool:
    """Whether the scores are equal up to rounding of pixels.

    Each difference must be at most a tenth of the score's confidence interval or, if that is narrow, a thousandth of
    the score. Scores without an interval come from the same features as the others, and are not checked.

    Args:
        checkpoint: {name: {"value"[, "low", "high"]}} as evaluated.
        differences: as from `score_differences`, a value for each of these names.
    """
    checked = {name: score for name, score in checkpoint.items() if "low" in score}
    return all(name in differences and abs(differences[name]) <= _tolerance(score) for name, score in checked.items())


def _tolerance(score: Mapping[str, Any]) -> float:
    width = float(score["high"]) - float(score["low"])
    return max(0.1 * width, 1e-3 * abs(float(score["value"])), 1e-6)
