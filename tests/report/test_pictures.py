"""Pictures: PNG from pixels, and pixels from a grid."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan.report.pictures import pictures, split_grid
from gan.util.images import grid, png


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_its_pixels(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 6, channels), np.uint8)
    made = pictures(pixels)
    assert [(each.width, each.height) for each in made] == [(6, 4)] * 3
    read = np.stack([np.asarray(Image.open(io.BytesIO(each.png))).reshape(4, 6, channels) for each in made])
    np.testing.assert_array_equal(read, pixels)


@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    channels=st.sampled_from([1, 3]),
    scale=st.integers(1, 5),
    gap=st.integers(0, 3),
)
def test_tiles_undo_a_grid(rows: int, columns: int, channels: int, scale: int, gap: int) -> None:
    pixels = np.random.default_rng(rows).integers(0, 256, (rows * columns, 3, 5, channels), np.uint8)
    sheet = png(grid(pixels, columns=columns, scale=scale, gap=gap))
    np.testing.assert_array_equal(split_grid(sheet, height=3, width=5, scale=scale, gap=gap), pixels)
