"""Resizing against Pillow, which filters float images in the same way."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gan.metrics.features.resizing import FILTERS, resizer

PILLOW = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR, "lanczos3": Image.LANCZOS}


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("kernel", FILTERS)
@pytest.mark.parametrize(("shape", "size"), [((8, 8), (224, 224)), ((300, 217), (224, 224)), ((64, 16), (10, 33))])
def test_as_pillow_does_it(kernel: str, shape: tuple[int, int], size: tuple[int, int]) -> None:
    given = pictures(2, *shape, 3)
    made = resizer(shape, size, kernel)(given).numpy()
    assert made.shape == (2, *size, 3)
    for image, result in zip(given, made, strict=True):
        for channel in range(3):
            theirs = Image.fromarray(image[..., channel]).resize(size[::-1], PILLOW[kernel])
            np.testing.assert_allclose(result[..., channel], np.asarray(theirs).clip(0, 255), atol=0.01)


def test_the_right_size_is_left_alone() -> None:
    given = pictures(2, 9, 9, 1)
    assert resizer((9, 9), (9, 9), "bicubic")(given) is given


def test_nothing_is_rounded_and_nothing_leaves_the_range() -> None:
    made = resizer((8, 8), (50, 50), "bicubic")(pictures(1, 8, 8, 1)).numpy()
    assert made.min() == 0
    assert made.max() == 255
    assert (made != np.rint(made)).mean() > 0.9


@pytest.mark.parametrize("side", [1, 4, 30, 1000])
def test_an_even_image_stays_even(side: int) -> None:
    given = np.full((1, side, side, 1), 77, np.float32)
    np.testing.assert_allclose(resizer((side, side), (224, 224), "bicubic")(given), 77, rtol=1e-5)
