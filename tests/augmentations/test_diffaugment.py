from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan.augmentations import diffaugment
from gan.errors import ConfigError

STEP = tf.constant(1, tf.int64)


def column(*values: float) -> Any:
    return tf.reshape(tf.constant(values, tf.float32), [-1, 1, 1, 1])


def augmented(images: Any, draws: Any, **settings: Any) -> Any:
    return diffaugment.make(diffaugment.Options(**settings)).apply(images, draws, STEP).numpy()


class TestColour:
    def test_brightness_moves_the_mean(self, images_of: Any) -> None:
        images = images_of(2, 4, 4, 3)
        moved = diffaugment.brightness(images, column(0.25, -0.5)).numpy() - images.numpy()
        np.testing.assert_allclose(moved.mean(axis=(1, 2, 3)), [0.25, -0.5], rtol=1e-6)

    def test_saturation_0_is_grey_1_the_image_and_2_the_formula(self, images_of: Any) -> None:
        images = images_of(3, 4, 4, 3)
        result, values = diffaugment.saturation(images, column(0, 1, 2)).numpy(), images.numpy()
        mean = values.mean(axis=3, keepdims=True)
        np.testing.assert_allclose(result[0], np.repeat(mean[0], 3, axis=2), atol=1e-6)
        np.testing.assert_allclose(result[1], values[1], atol=1e-6)
        np.testing.assert_allclose(result[2], mean[2] + 2 * (values[2] - mean[2]), atol=1e-6)

    def test_contrast_scales_the_deviation_from_the_mean_of_each_image(self, images_of: Any) -> None:
        images = images_of(2, 4, 4, 3)
        result, values = diffaugment.contrast(images, column(0.5, 1.5)).numpy(), images.numpy()
        axes = (1, 2, 3)
        np.testing.assert_allclose(result.mean(axes), values.mean(axes), atol=1e-6)
        np.testing.assert_allclose(result.std(axes), values.std(axes) * [0.5, 1.5], rtol=1e-5)

    def test_the_random_amounts_are_in_the_published_ranges(self, draws_of: Any) -> None:
        """A grey constant image keeps its brightness draw; the range is [-0.5, 0.5)."""
        moved = augmented(tf.zeros([500, 2, 2, 1]), draws_of(500), policy="colour")[:, 0, 0, 0]
        assert -0.5 <= moved.min() < -0.45
        assert 0.45 < moved.max() < 0.5

    def test_a_grey_image_and_the_same_in_three_channels_are_changed_alike(self, draws_of: Any, images_of: Any) -> None:
        grey = images_of(4, 4, 4, 1)
        result = augmented(grey, draws_of(4), policy="colour")
        colour = augmented(tf.repeat(grey, 3, axis=3), draws_of(4), policy="colour")
        np.testing.assert_allclose(colour, np.repeat(result, 3, axis=3), atol=1e-6)


class TestTranslation:
    @pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (0, -2), (-3, 2), (5, 5), (-9, 1)])
    def test_it_is_numpys_roll_with_zeros_for_what_comes_in(self, images_of: Any, down: int, right: int) -> None:
        images = images_of(1, 6, 5, 2)
        padded = np.pad(images.numpy(), ((0, 0), (9, 9), (9, 9), (0, 0)))
        expected = np.roll(padded, (down, right), axis=(1, 2))[:, 9:-9, 9:-9]
        np.testing.assert_array_equal(diffaugment.shift(images, tf.constant([down]), tf.constant([right])), expected)

    def test_shifts_go_to_an_eighth_of_the_side_and_all_are_equally_likely(self, draws_of: Any) -> None:
        images = tf.ones([2000, 16, 16, 1])
        result = augmented(images, draws_of(2000), policy="translation")[..., 0]
        top = (result.max(axis=2) == 0).argmin(axis=1)
        bottom = (result.max(axis=2)[:, ::-1] == 0).argmin(axis=1)
        shares = [np.mean(bottom == 2), np.mean(bottom == 1), np.mean(top == 1), np.mean(top == 2)]
        np.testing.assert_allclose(shares, 0.2, atol=0.04)
        assert max(top.max(), bottom.max()) == 2


class TestCutout:
    def test_a_square_inside_has_a_quarter_of_the_area(self) -> None:
        result = diffaugment.cutout(tf.ones([1, 8, 8, 3]), tf.constant([4]), tf.constant([3])).numpy()
        assert np.mean(result == 0) == 0.25
        assert np.all(result[0, 2:6, 1:5] == 0)

    def test_at_the_border_the_part_that_is_inside_is_cut(self) -> None:
        result = diffaugment.cutout(tf.ones([2, 8, 8, 1]), tf.constant([0, 8]), tf.constant([8, 4])).numpy()
        assert np.argwhere(result[0, ..., 0] == 0).tolist() == [[r, c] for r in (0, 1) for c in (6, 7)]
        assert np.argwhere(result[1, ..., 0] == 0).tolist() == [[r, c] for r in (6, 7) for c in (2, 3, 4, 5)]

    @pytest.mark.parametrize("side", [8, 7, 6])
    def test_both_ends_lose_the_same(self, draws_of: Any, side: int) -> None:
        """Even and odd squares; each side of the image is symmetric in expectation."""
        lost = np.mean(augmented(tf.ones([4000, side, side, 1]), draws_of(4000), policy="cutout") == 0, axis=(0, 2, 3))
        np.testing.assert_allclose(lost, lost[::-1], atol=0.04)


def test_translation_and_cutout_stay_in_the_range_of_images(draws_of: Any, images_of: Any) -> None:
    result = augmented(images_of(8, 8, 8, 3), draws_of(8), policy=["translation", "cutout"])
    assert np.abs(result).max() <= 1


def test_each_part_of_the_policy_is_chosen_by_itself(draws_of: Any) -> None:
    """With strength 0.3, 0.3 of the images are brighter, 0.3 are cut, and 0.09 are both."""
    result = augmented(tf.ones([4000, 8, 8, 1]), draws_of(4000), policy=["colour", "cutout"], strength=0.3)[..., 0]
    brighter, cut = result.max(axis=(1, 2)) != 1, result.min(axis=(1, 2)) == 0
    shares = [brighter.mean(), cut.mean(), (brighter & cut).mean()]
    np.testing.assert_allclose(shares, [0.3, 0.3, 0.09], atol=0.03)


def test_the_order_in_which_a_policy_is_written_does_not_matter(draws_of: Any, images_of: Any) -> None:
    images = images_of(4, 8, 8, 3)
    one, other = (augmented(images, draws_of(4), policy=each) for each in ("cutout,colour", ["colour", "cutout"]))
    np.testing.assert_array_equal(one, other)


def test_an_unknown_part_of_a_policy_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'unknown augmentation\.policy "color"; did you mean "colour"'):
        diffaugment.Options(policy="color")
