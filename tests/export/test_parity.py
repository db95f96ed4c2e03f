"""Parity: the largest difference, and what is too much."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gan.errors import ParityError
from gan.export import parity


def test_the_largest_difference_of_a_pixel() -> None:
    one = np.zeros((2, 3, 3, 1), np.float32)
    other = one.copy()
    other[1, 2, 0, 0], other[0, 0, 0, 0] = -0.25, 0.125
    assert parity.largest_difference(one, other) == 0.25
    assert parity.largest_difference(one, one) == 0.0


def test_other_shapes_are_no_parity() -> None:
    with pytest.raises(ParityError, match=r"\[2, 4, 4, 1\], its checkpoint \[2, 3, 3, 1\]"):
        parity.largest_difference(np.zeros((2, 3, 3, 1)), np.zeros((2, 4, 4, 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_refused(value: float) -> None:
    broken = np.zeros((1, 2, 2, 1))
    broken[0, 0, 0, 0] = value
    with pytest.raises(ParityError, match="not finite"):
        parity.largest_difference(np.zeros((1, 2, 2, 1)), broken)


def test_rounding_passes_and_another_picture_does_not() -> None:
    parity.check({"SavedModel": 1e-6, "generator.keras": parity.MAX_ROUNDING_DIFFERENCE})
    with pytest.raises(ParityError, match=r"generator\.keras draws other pictures.*0\.4.*at most 0\.1"):
        parity.check({"SavedModel": 1e-6, "generator.keras": 0.4})


def test_score_differences_by_name() -> None:
    checkpoint = {"fid": {"value": 7.0, "low": 6.0}, "recall": {"value": 0.5}, "gone": {"value": 1.0}}
    exported = {"fid": {"value": 7.25}, "recall": {"value": 0.5}, "new": {"value": 2.0}}
    assert parity.score_differences(checkpoint, exported) == {"fid": 0.25, "recall": 0.0}


def test_infinite_scores_that_agree_do_not_differ() -> None:
    assert parity.score_differences({"kl": {"value": math.inf}}, {"kl": {"value": math.inf}}) == {"kl": 0.0}


@pytest.mark.parametrize(
    ("score", "difference", "equal"),
    [
        ({"value": 7.0, "low": 6.0, "high": 8.0}, 0.2, True),  # a tenth of the interval
        ({"value": 7.0, "low": 6.0, "high": 8.0}, -0.21, False),
        ({"value": 10.0, "low": 10.0, "high": 10.0}, 0.01, True),  # a thousandth of the score
        ({"value": 10.0, "low": 10.0, "high": 10.0}, 1.0, False),
        ({"value": 0.0, "low": 0.0, "high": 0.0}, 1e-7, True),
        ({"value": 7.0, "low": 6.0, "high": 8.0}, math.nan, False),
    ],
)
def test_scores_are_equal_but_for_rounding(score: dict[str, float], difference: float, equal: bool) -> None:
    assert parity.scores_equal({"fid": score}, {"fid": difference}) is equal


def test_a_score_that_is_missing_is_not_equal() -> None:
    assert not parity.scores_equal({"fid": {"value": 1.0, "low": 1.0, "high": 1.0}}, {})
