"""IDX files against hand-made bytes."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.data.sources.idx import read_idx
from gan.errors import DataError
from support import bad_inputs

IMAGES = bad_inputs.idx(2051, (2, 2, 3), bytes(range(12)))
ZIPPED = gzip.compress(IMAGES, mtime=0)  # the same bytes in every process, for they name tests


def test_known_bytes() -> None:
    expected = [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    assert read_idx(IMAGES, "f", (None, 2, 3)).tolist() == expected


def test_gzip_gives_the_same() -> None:
    np.testing.assert_array_equal(read_idx(ZIPPED, "f", (None, 2, 3)), read_idx(IMAGES, "f", (None, 2, 3)))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=50))
def test_every_label_comes_back(labels: list[int]) -> None:
    data = bad_inputs.idx(2049, (len(labels),), bytes(labels))
    assert read_idx(data, "f", (None,)).tolist() == labels


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bad_inputs.idx(2049, (2, 2, 3), bytes(12)), "magic number 2049"),
        (IMAGES[:3], "cut short"),
        (IMAGES[:9], "cut short"),
        (b"", "cut short"),
        (IMAGES[:-1], "only 11"),
        (IMAGES + b"x", "more"),
        (bad_inputs.idx(2051, (2, 3, 2), bytes(12)), "dimensions 2 x 3 x 2; allowed: any x 2 x 3"),
        (bad_inputs.idx(2051, (0, 2, 3), b""), "dimensions 0 x 2 x 3"),
        (ZIPPED[:-9], "cut short"),
        (ZIPPED[:-8] + bytes(8), "damaged"),
        (b"\x1f\x8b" + bytes(30), "damaged"),
    ],
)
def test_what_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_idx(data, "f", (None, 2, 3))


@given(st.integers(0, len(ZIPPED) - 1))
def test_every_cut_is_refused(size: int) -> None:
    with pytest.raises(DataError):
        read_idx(ZIPPED[:size], "f", (None, 2, 3))
