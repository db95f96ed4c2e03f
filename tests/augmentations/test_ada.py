from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.augmentations import ada
from gan.augmentations.interface import Augmentation
from gan.errors import ConfigError

BATCH = 10


def made(**settings: Any) -> Augmentation:
    return ada.make(ada.Options(groups="colour", **settings))


def strength(augmentation: Augmentation) -> float:
    assert augmentation.strength is not None
    return float(augmentation.strength(tf.constant(1, tf.int64)))


def observe(augmentation: Augmentation, share_above_zero: float, updates: int = 4) -> float:
    """The strength after some updates in which this share of the logits is positive."""
    positive = round(BATCH * share_above_zero)
    logits = tf.constant([[2.5]] * positive + [[-0.1]] * (BATCH - positive))
    assert augmentation.observe is not None
    for _ in range(updates):
        augmentation.observe(logits)
    return strength(augmentation)


def test_it_follows_a_computation_by_hand() -> None:
    """40 images in 4 updates, 400 from 0 to 1: steps of 0.1. Mean signs 1.0, 0.8 are above 0.6; 0.4 is below."""
    augmentation = made(adaptation_images=400)
    assert [observe(augmentation, share) for share in (1.0, 1.0, 0.9, 0.7, 0.0)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.2, 0.1]
    )


def test_it_changes_at_every_fourth_update_by_the_mean_of_all_four() -> None:
    augmentation = made(adaptation_images=400, initial_strength=0.5)
    assert observe(augmentation, 0.0, updates=1) == 0.5
    assert observe(augmentation, 1.0, updates=2) == 0.5
    assert observe(augmentation, 1.0, updates=1) == pytest.approx(0.4)  # mean sign (-1 + 3) / 4 = 0.5


def test_on_target_it_stays() -> None:
    assert observe(made(adaptation_images=400, initial_strength=0.5, target=0), 0.5) == 0.5


def test_it_stays_between_0_and_the_highest_strength() -> None:
    augmentation = made(adaptation_images=100, max_strength=0.7)
    assert observe(augmentation, 0.0) == 0.0
    assert observe(augmentation, 1.0, updates=40) == pytest.approx(0.7)


def test_the_published_speed_is_500_000_images_from_0_to_1() -> None:
    change = ada.adapted(tf.constant(0.0), tf.constant(1.0), 4 * 64, ada.Options(max_strength=1.0))
    assert float(change) * 500_000 / (4 * 64) == pytest.approx(1.0)


def test_in_a_closed_loop_the_mean_sign_comes_to_the_target() -> None:
    """A discriminator that overfits less, the stronger the augmentation: r = 1 - p, so that p settles at 0.4."""
    augmentation = made(adaptation_images=2000)
    random = np.random.default_rng(5)
    seen = []
    assert augmentation.observe is not None
    for _ in range(400):
        signs = np.where(random.uniform(size=(BATCH, 1)) < 1 - strength(augmentation) / 2, 1.0, -1.0)
        augmentation.observe(tf.constant(signs, tf.float32))
        seen.append(strength(augmentation))
    assert np.mean(seen[-150:]) == pytest.approx(0.4, abs=0.06)


def test_half_precision_logits_are_taken() -> None:
    augmentation = made(adaptation_images=40, max_strength=1.0)
    assert augmentation.observe is not None
    for _ in range(4):
        augmentation.observe(tf.ones([BATCH, 1], tf.float16))
    assert strength(augmentation) == 1.0


def test_what_it_draws_with_is_its_present_strength(draws_of: Any, images_of: Any) -> None:
    images, step = images_of(30, 4, 4, 3), tf.constant(1, tf.int64)
    augmentation = made(adaptation_images=40)
    np.testing.assert_array_equal(augmentation.apply(images, draws_of(30), step), images)
    observe(augmentation, 1.0)
    assert not np.array_equal(augmentation.apply(images, draws_of(30), step), images)


def test_an_initial_strength_above_the_highest_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"augmentation.initial_strength must be at most max_strength=0.5; got 0.6"):
        ada.Options(initial_strength=0.6, max_strength=0.5)


class TestConfig:
    @pytest.mark.parametrize("name", ["ada", "ada_scheduled"])
    def test_the_groups_must_be_chosen(self, name: str) -> None:
        chosen = config.override(config.Config(), [f"augmentation.name={name}"])
        with pytest.raises(ConfigError, match=f"augmentation.name={name} needs augmentation.groups"):
            build.check_config(chosen)
        build.check_config(config.override(chosen, ["augmentation.groups=colour"]))

    def test_the_sign_of_a_critics_logit_means_nothing(self) -> None:
        chosen = config.override(config.Config(), ["augmentation.name=ada", "augmentation.groups=colour"])
        with pytest.raises(ConfigError, match=r"needs a loss with a decision boundary at 0; got loss.name=wgan_gp"):
            build.check_config(config.override(chosen, ["loss.name=wgan_gp"]))

    def test_a_config_is_read_back_as_it_was(self) -> None:
        chosen = config.override(config.Config(), ["augmentation.name=ada", "augmentation.groups=pixel,colour"])
        assert config.from_dict(chosen.to_dict()) == chosen
        assert config.from_dict(chosen.to_dict()).augmentation.groups == ("pixel", "colour")  # type: ignore[attr-defined]
