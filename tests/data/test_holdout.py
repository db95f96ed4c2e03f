"""The split by content."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.data.holdout import held_out
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
