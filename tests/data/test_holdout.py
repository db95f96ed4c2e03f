"""The split by content."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.data.holdout import TEST, SplitByPixels, held_out, is_held_out
from gan.errors import DataError


def digests(count: int) -> list[str]:
    return [hashlib.sha256(str(index).encode()).hexdigest() for index in range(count)]


@given(st.integers(2, 40), st.integers(1, 90))
def test_both_sides_hold_something(count: int, percent: int) -> None:
    assert 0 < len(held_out(digests(count), percent)) < count


@pytest.mark.parametrize("percent", [1, 20, 50, 90])
def test_share_of_many(percent: int) -> None:
    share = len(held_out(digests(10_000), percent)) / 10_000
    assert abs(share - percent / 100) < 0.015


def test_added_images_move_none() -> None:
    before, after = held_out(digests(500), 20), held_out(digests(1000), 20)
    assert before == after & set(digests(500))


def test_equal_images_count_once() -> None:
    assert held_out(digests(50) * 2, 20) == held_out(digests(50), 20)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few(count: int) -> None:
    with pytest.raises(DataError, match=f"at least 2 different images.*got {count}"):
        held_out(digests(count) * 3, 20)


@given(st.integers(2, 40), st.integers(1, 90), st.randoms())
def test_one_by_one_gives_the_same_as_all_at_once(count: int, percent: int, random: object) -> None:
    images = digests(count) * 2
    random.shuffle(images)  # type: ignore[attr-defined]
    sides = SplitByPixels(percent)
    test = {image for image in images if sides.split_of(image) == TEST}
    assert test == {image for image in images if is_held_out(image, percent)}
    if sides.moved is not None:
        sides = SplitByPixels(percent, sides.moved)
        test = {image for image in images if sides.split_of(image) == TEST}
        assert sides.moved is None
    assert test == held_out(images, percent)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_one_by_one(count: int) -> None:
    sides = SplitByPixels(20)
    for image in digests(count) * 3:
        sides.split_of(image)
    with pytest.raises(DataError, match=f"at least 2 different images.*got {count}"):
        _ = sides.moved
