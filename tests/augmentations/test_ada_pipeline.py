from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from gan.augmentations import ada, ada_pipeline
from gan.augmentations.warp import product
from gan.errors import ConfigError

ONE = tf.constant(1.0)
CHOSEN, NOT_CHOSEN = 0.0, 0.999


def row(*values: float) -> Any:
    return tf.constant([values], tf.float32)


def column(value: float) -> Any:
    return tf.constant([value], tf.float32)


def uniform(count: int, numbers: int) -> Any:
    return tf.random.stateless_uniform([count, numbers], [1, numbers])


class TestPixel:
    @pytest.mark.parametrize("turns", [0, 1, 2, 3])
    def test_known_draws_give_known_pixels(self, images_of: Any, turns: int) -> None:
        """Mirrored, turned, then moved 2 to the right and 1 up: numpy's flip, rot90 and reflecting pad."""
        images = images_of(1, 16, 16, 3)
        draws = row(CHOSEN, CHOSEN, CHOSEN, 0.7, turns / 4 + 0.1, 0.5 + 2 / 16 / 0.25, 0.5 - 1 / 16 / 0.25)
        found = ada_pipeline.warp(images, product(*ada_pipeline.pixel_inverses(draws, ONE, 16, 16)))
        turned = np.rot90(images[:, :, ::-1], turns, axes=(1, 2))
        padded = np.pad(turned, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
        np.testing.assert_array_equal(found, padded[:, 3:19, 0:16])

    def test_whatever_is_drawn_each_pixel_is_one_of_the_image(self, images_of: Any) -> None:
        images = images_of(50, 9, 9, 1)
        found = ada_pipeline.warp(images, product(*ada_pipeline.pixel_inverses(uniform(50, 7), ONE, 9, 9))).numpy()
        for image, result in zip(images.numpy(), found, strict=True):
            assert set(result.ravel()) <= set(image.ravel())

    def test_half_of_the_images_are_mirrored_and_a_quarter_has_each_turn(self) -> None:
        mirror, turn, _ = ada_pipeline.pixel_inverses(uniform(4000, 7), ONE, 16, 16)
        assert np.mean(mirror[:, 0, 0] == -1) == pytest.approx(0.5, abs=0.03)
        assert np.mean(turn[:, 0, 0] == 1) == pytest.approx(0.25, abs=0.03)
        assert np.mean(turn[:, 1, 0] == -1) == pytest.approx(0.25, abs=0.03)

    def test_shifts_go_to_an_eighth_of_the_side(self) -> None:
        _, _, move = ada_pipeline.pixel_inverses(uniform(4000, 7), ONE, 16, 32)
        assert sorted(set(move[:, 0, 2].numpy())) == [-4, -3, -2, -1, 0, 1, 2, 3, 4]
        assert sorted(set(move[:, 1, 2].numpy())) == [-2, -1, 0, 1, 2]


class TestGeometric:
    def test_the_inverses_are_inverse_to_the_published_transformations(self) -> None:
        """Scale by s, turn, stretch by (s, 1/s), turn, shift: appendix B, with numpy's inverse of the product."""
        draws, normal = row(*[CHOSEN] * 5, 0.6, 0.2), row(1.0, -2.0, 0.5, 0.25)
        found = product(*ada_pipeline.geometric_inverses(draws, normal, ONE, 20, 40))[0]

        def turn(angle: float) -> Any:
            return scipy.linalg.expm(np.array([[0, -angle, 0], [angle, 0, 0], [0, 0, 0]]))

        scale, stretch = 2**0.2, 2**-0.4
        move = np.array([[1, 0, 0.5 / 8 * 40], [0, 1, 0.25 / 8 * 20], [0, 0, 1]])
        forward = move @ turn(0.6 * np.pi) @ np.diag([stretch, 1 / stretch, 1]) @ turn(-0.2 * np.pi)
        forward = forward @ np.diag([scale, scale, 1])
        np.testing.assert_allclose(found, np.linalg.inv(forward), atol=1e-4)

    @pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
    def test_an_image_is_turned_with_the_probability_p(self, p: float) -> None:
        normal = tf.random.stateless_normal([4000, 4], [1, 2])
        made = ada_pipeline.geometric_inverses(uniform(4000, 7), normal, tf.constant(p), 8, 8)
        turned = (made[1][:, 0, 1] != 0) | (made[3][:, 0, 1] != 0)
        assert np.mean(turned) == pytest.approx(p, abs=0.03)


class TestColour:
    def test_brightness_and_contrast(self, images_of: Any) -> None:
        images = images_of(1, 4, 4, 3)
        found = ada_pipeline.recolour(images, *map(column, (0.3, 1.5, 1.0, 0.0, 1.0)))
        np.testing.assert_allclose(found, 1.5 * (images + 0.3), atol=1e-6)

    @pytest.mark.parametrize("degrees", [0, 120, 240])
    def test_hue_by_thirds_of_a_turn_exchanges_the_channels(self, images_of: Any, degrees: int) -> None:
        images = images_of(1, 4, 4, 3)
        found = ada_pipeline.recolour(images, *map(column, (0.0, 1.0, 1.0, np.radians(degrees), 1.0)))
        np.testing.assert_allclose(found, np.roll(images, degrees // 120, axis=3), atol=1e-6)

    def test_the_matrix_is_the_product_of_the_published_ones(self, images_of: Any) -> None:
        """Translate, scale, reflect in the plane across the grey axis, turn around it, scale across it."""
        images = images_of(1, 3, 3, 3)
        brightness, contrast, luma, hue, saturation = 0.2, 0.7, -1.0, 1.1, 1.8
        grey = np.full((3, 3), 1 / 3)
        axis = np.ones(3) / np.sqrt(3)
        around = scipy.linalg.expm(hue * np.cross(axis, np.eye(3)).T)
        matrix = (grey + (np.eye(3) - grey) * saturation) @ around @ (np.eye(3) - 2 * grey) * contrast
        found = ada_pipeline.recolour(images, *map(column, (brightness, contrast, luma, hue, saturation)))
        np.testing.assert_allclose(found, (images.numpy() + brightness) @ matrix.T, atol=1e-5)

    def test_saturation_0_gives_the_mean_of_the_channels(self, images_of: Any) -> None:
        images = images_of(1, 4, 4, 3)
        found = ada_pipeline.recolour(images, *map(column, (0.0, 1.0, 1.0, 0.5, 0.0)))
        np.testing.assert_allclose(found, np.repeat(images.numpy().mean(3, keepdims=True), 3, axis=3), atol=1e-6)

    def test_exchanging_light_and_dark_keeps_the_hue(self) -> None:
        colour = np.array([0.6, 0.1, -0.4], np.float32)
        found = ada_pipeline.recolour(colour[None, None, None], *map(column, (0.0, 1.0, -1.0, 0.0, 1.0)))[0, 0, 0]
        assert np.mean(found) == pytest.approx(-np.mean(colour))
        hue, other = (colorsys.rgb_to_hsv(*(np.asarray(each, float) + 1))[0] for each in (colour, found))
        assert other == pytest.approx(hue)

    def test_grey_images_are_as_three_equal_channels(self, images_of: Any) -> None:
        grey = images_of(1, 4, 4, 1)
        values = list(map(column, (0.2, 0.7, -1.0, 0.9, 1.8)))
        found = ada_pipeline.recolour(tf.repeat(grey, 3, axis=3), *values)
        np.testing.assert_allclose(found, np.repeat(ada_pipeline.recolour(grey, *values), 3, axis=3), atol=1e-6)

    def test_the_random_values_have_the_published_distributions(self) -> None:
        draws, normal = uniform(4000, 7), tf.random.stateless_normal([4000, 3], [5, 6])
        brightness, contrast, luma, hue, saturation = ada_pipeline.colour_values(draws, normal, ONE, 3)
        assert np.std(brightness) == pytest.approx(0.2, rel=0.05)
        assert np.std(np.log2(contrast)) == pytest.approx(0.5, rel=0.05)
        assert np.std(np.log2(saturation)) == pytest.approx(1.0, rel=0.05)
        assert np.mean(luma) == pytest.approx(0.0, abs=0.05)
        assert [np.min(hue), np.max(hue)] == pytest.approx([-np.pi, np.pi], abs=0.01)

    def test_grey_images_have_no_hue(self) -> None:
        values = ada_pipeline.colour_values(uniform(50, 7), tf.ones([50, 3]), ONE, 1)
        assert np.all(values[3] == 0)
        assert np.all(values[4] == 1)

    def test_what_is_not_chosen_is_neutral(self) -> None:
        draws = row(*[NOT_CHOSEN] * 5, 0.9, 0.9)
        values = ada_pipeline.colour_values(draws, row(1.0, 1.0, 1.0), tf.constant(0.5), 3)
        assert [float(each[0]) for each in values] == [0, 1, 1, 0, 1]


@pytest.mark.parametrize("groups", [("pixel",), ("geometric",), ("pixel", "geometric")])
def test_without_colour_images_stay_in_their_range(groups: Any, draws_of: Any, images_of: Any) -> None:
    images = images_of(20, 8, 8, 3)
    assert np.abs(ada_pipeline.augment(images, draws_of(20), groups, ONE)).max() <= 1 + 1e-6


def test_with_colour_alone_no_pixel_moves(draws_of: Any) -> None:
    """A digit stays where it is: the edges of an image are where they were."""
    images = tf.repeat(tf.constant([[-1.0, 1.0, -1.0, -1.0]])[None, ..., None], 4, axis=1)
    found = ada_pipeline.augment(tf.repeat(images, 20, axis=0), draws_of(20), ("colour",), ONE).numpy()
    np.testing.assert_array_equal(found[:, :, 0], found[:, :, 2])
    assert np.all(found[:, :, 0] != found[:, :, 1])


def test_groups_are_words_and_unknown_ones_are_refused() -> None:
    assert ada.Options(groups="colour, pixel").groups == ("colour", "pixel")
    assert ada.Options(groups=[]).groups == ()
    with pytest.raises(ConfigError, match=r'unknown augmentation\.groups "flip"'):
        ada.Options(groups="flip")
