from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import pdist

from gan.train.health.probe import Probe, gap_in_standard_errors, mean_distance


def test_mean_distance_is_that_of_scipy() -> None:
    images = np.random.default_rng(0).normal(3.0, 2.0, (12, 4, 4, 1)).astype(np.float32)
    expected = pdist(images.reshape(12, -1)).mean() / 4.0
    assert float(mean_distance(tf.constant(images))) == pytest.approx(expected, rel=1e-5)


def test_equal_images_have_no_distance() -> None:
    assert float(mean_distance(tf.fill([5, 3], 0.7))) == pytest.approx(0.0, abs=1e-6)


def test_the_gap_is_welchs_statistic() -> None:
    random = np.random.default_rng(1)
    real, fake = random.normal(1.0, 2.0, 10), random.normal(0.0, 0.5, 15)
    found = float(gap_in_standard_errors(tf.constant(real[:, None]), tf.constant(fake[:, None])))
    expected = (real.mean() - fake.mean()) / np.sqrt(real.var() / 10 + fake.var() / 15)
    assert found == pytest.approx(expected)
    assert float(gap_in_standard_errors(tf.zeros([3, 1]), tf.zeros([3, 1]))) == 0.0


SETTINGS = {
    "plain": [],
    "conditional": ["generator.conditional=true"],
    "packs": ["discriminator.packing=2"],
    "bfloat16": ["train.precision=mixed_bfloat16"],
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_probe_changes_nothing(toy: Any, setting: str) -> None:
    config = toy.config(*SETTINGS[setting])
    state = toy.train_state(config)
    classes = 3 if config.generator.conditional else None
    probe = Probe(state, config.generator.latent_size, 0, classes, packing=config.discriminator.packing)
    batch = next(toy.batches(config))
    before = state.tensors()
    probe.before_step()
    signals = probe.measure(batch)
    assert {name: signals[name] for name in ("generator_update", "discriminator_update")} == {
        "generator_update": 0.0,
        "discriminator_update": 0.0,
    }
    assert all(np.array_equal(before[name], tensor) for name, tensor in state.tensors().items())
    assert probe.measure(batch) == {name: each for name, each in signals.items() if not name.endswith("_update")}


def test_the_update_is_relative_to_the_weights(toy: Any) -> None:
    config = toy.config()
    state = toy.train_state(config)
    probe = Probe(state, config.generator.latent_size, 0)
    probe.before_step()
    for variable in state.generator.trainable_variables:
        variable.assign(1.5 * variable)
    signals = probe.measure(next(toy.batches(config)))
    assert signals["generator_update"] == pytest.approx(0.5, rel=1e-4)
    assert signals["discriminator_update"] == 0.0


def test_it_takes_whole_groups_and_packs_and_judges_no_spread_of_a_few(toy: Any) -> None:
    """Three images in a pack, and four packs in a group; then a batch of a single pack."""
    sets = ("discriminator.packing=3", "discriminator.minibatch_std=4", "train.batch_size=24")
    config = toy.config(*sets)
    state = toy.train_state(config)
    probe = Probe(state, config.generator.latent_size, 0, packing=3, batch_unit=12)
    images = tf.random.stateless_uniform([24, 8, 8, 1], [1, 2], -1.0, 1.0)
    signals = probe.measure({"images": images, "labels": tf.zeros([24], tf.int32)})
    assert all(map(math.isfinite, signals.values()))
    assert "logit_gap" in signals
    alone = toy.train_state(toy.config("discriminator.packing=3", "train.batch_size=3"))
    single = Probe(alone, config.generator.latent_size, 0, packing=3)
    made = single.measure({"images": images[:3], "labels": tf.zeros([3], tf.int32)})
    assert all(map(math.isfinite, made.values()))
    assert "feature_spread" not in made
