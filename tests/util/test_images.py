from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan.util.images import grid, png, to_pixels


def test_known_values() -> None:
    images = np.array([-1.0, 0.0, 1.0, -2.0, 2.0, np.nextafter(1.0, 0)], np.float32)
    assert to_pixels(images).tolist() == [0, 128, 255, 0, 255, 255]


@given(st.integers(0, 255))
def test_every_pixel_survives_the_way_to_images_and_back(value: int) -> None:
    assert to_pixels(np.float32(value) / np.float32(127.5) - np.float32(1)) == value


def test_grid_places_images_in_rows() -> None:
    pixels = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    drawn = np.asarray(grid(pixels, columns=3, scale=2, gap=1))
    assert drawn.shape == (2 * 2 + 1, 3 * 2 + 2)
    assert drawn[0, 0] == 0
    assert drawn[0, 3] == 1
    assert drawn[3, 3] == 4
    assert drawn[3, 6] == 255  # the empty place
    assert drawn[2, 0] == 255  # the gap


def test_colours_stay_and_png_is_lossless() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 3), np.uint8)
    picture = grid(pixels)
    back = Image.open(io.BytesIO(png(picture)))
    assert back.mode == "RGB"
    assert np.array_equal(np.asarray(back), np.asarray(picture))
