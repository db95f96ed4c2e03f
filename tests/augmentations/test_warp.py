from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.augmentations.warp import product, rotation, scaling, translation, warp


def one(*values: float) -> list[Any]:
    return [tf.constant([value], tf.float32) for value in values]


def scipy_warp(image: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """A second implementation: rows and columns for y and x, from the corner instead of from the centre."""
    matrix = inverse[:2, :2][::-1, ::-1].astype(np.float64)
    centre = (np.array(image.shape[:2]) - 1) / 2
    offset = inverse[:2, 2][::-1] + centre - matrix @ centre
    channels = np.moveaxis(image.astype(np.float64), 2, 0)
    warped = [scipy.ndimage.affine_transform(each, matrix, offset, order=1, mode="mirror") for each in channels]
    return np.stack(warped, axis=2)


@settings(max_examples=30, deadline=None)
@given(
    entries=st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4),
    shift=st.lists(st.floats(-9, 9), min_size=2, max_size=2),
    shape=st.sampled_from([(6, 6, 1), (5, 8, 3)]),
)
def test_any_affine_map_is_that_of_scipy(entries: list[float], shift: list[float], shape: Any) -> None:
    image = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    (a, b, c, d), (x, y) = entries, shift
    inverse = np.array([[a, b, x], [c, d, y], [0, 0, 1]], np.float32)
    found = warp(tf.constant(image[None]), tf.constant(inverse[None]))[0]
    np.testing.assert_allclose(found, scipy_warp(image, inverse), atol=2e-4)


def test_each_image_has_its_own_map(images_of: Any) -> None:
    images = images_of(3, 6, 6, 2)
    angles = tf.constant([0.0, 0.3, 2.0])
    found = warp(images, rotation(tf.cos(angles), tf.sin(angles)))
    for index, angle in enumerate(angles):
        alone = warp(images[index : index + 1], rotation(tf.cos(angle)[None], tf.sin(angle)[None]))
        np.testing.assert_allclose(found[index], alone[0], atol=1e-6)


def test_mirroring_and_quarter_turns_are_those_of_numpy_to_the_bit(images_of: Any) -> None:
    images = images_of(1, 7, 7, 3)
    np.testing.assert_array_equal(warp(images, scaling(*one(-1, 1))), images[:, :, ::-1])
    np.testing.assert_array_equal(warp(images, rotation(*one(0, 1))), np.rot90(images, 1, axes=(1, 2)))
    np.testing.assert_array_equal(warp(images, rotation(*one(-1, 0))), np.rot90(images, 2, axes=(1, 2)))


@pytest.mark.parametrize(("x", "y"), [(2, 0), (0, -3), (-1, 4), (20, -31)])
def test_a_shift_by_whole_pixels_is_numpys_reflecting_pad_to_the_bit(images_of: Any, x: int, y: int) -> None:
    images = images_of(1, 6, 6, 2)
    padded = np.pad(images, ((0, 0), (40, 40), (40, 40), (0, 0)), mode="reflect")
    expected = padded[:, 40 + y : 46 + y, 40 + x : 46 + x]
    np.testing.assert_array_equal(warp(images, translation(*one(x, y))), expected)


def test_values_stay_in_the_range_of_the_image(images_of: Any) -> None:
    images = images_of(4, 8, 8, 1)
    found = warp(images, product(scaling(*2 * [tf.fill([4], 0.3)]), translation(*2 * [tf.fill([4], 1.7)]))).numpy()
    assert images.numpy().min() <= found.min() <= found.max() <= images.numpy().max() + 1e-6


def test_a_product_is_that_of_numpy() -> None:
    one_, other = np.random.default_rng(3).normal(size=(2, 4, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(product(one_, other, one_), one_ @ other @ one_, rtol=1e-4, atol=1e-5)
