"""Estimated BatchNorm statistics: compared with those of all activations at once, and reproducible."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import build
from gan.train import batch_norm


def statistics(network: keras.Model) -> list[np.ndarray]:
    return [np.array(each) for each in network.non_trainable_variables if each.name.startswith("moving_")]


def test_they_are_those_of_all_activations_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer sees 3 z + 2, whose mean and variance numpy computes over every latent that was drawn."""
    monkeypatch.setattr(batch_norm, "BATCHES", 7)
    dense = keras.layers.Dense(
        4,
        kernel_initializer=keras.initializers.Identity(3.0),
        bias_initializer=lambda s, dtype: keras.ops.full(s, 2.0, dtype),
    )
    network = keras.Sequential([keras.Input((4,)), dense, keras.layers.BatchNormalization(momentum=0.9)])
    batch_norm.estimate_statistics(network)
    drawn = np.concatenate([np.asarray(batch_norm._inputs(network, number, None)) for number in range(7)])
    assert drawn.shape == (7 * batch_norm.BATCH_SIZE, 4)
    norm = network.layers[-1]
    np.testing.assert_allclose(norm.moving_mean, 3 * drawn.mean(axis=0) + 2, rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, 9 * drawn.var(axis=0), rtol=1e-4)
    assert norm.momentum == 0.9


@pytest.mark.parametrize("conditional", [False, True])
def test_they_hang_on_the_weights_alone(toy: Any, conditional: bool) -> None:
    config = toy.config(f"generator.conditional={conditional}".lower())
    generator = build.build_generator(config, toy.dataset)
    weights = [np.array(each) for each in generator.trainable_variables]
    shares = [0.5, 0.5, 0.0] if conditional else None
    batch_norm.estimate_statistics(generator, shares)
    first = statistics(generator)
    for variable in generator.non_trainable_variables:
        variable.assign(tf.ones_like(variable) * 7)
    batch_norm.estimate_statistics(generator, shares)
    for one, other in zip(first, statistics(generator), strict=True):
        np.testing.assert_array_equal(one, other)
    for before, after in zip(weights, generator.trainable_variables, strict=True):
        np.testing.assert_array_equal(before, after)
    if conditional:
        labels = np.concatenate([batch_norm._inputs(generator, number, shares)[1] for number in range(20)])
        assert np.bincount(labels, minlength=3) / len(labels) == pytest.approx(shares, abs=0.05)


def test_nested_networks_are_included_and_one_without_batchnorm_is_unchanged() -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    network = keras.Sequential([keras.Input((3,)), inner])
    batch_norm.estimate_statistics(network)
    assert not np.allclose(inner.layers[-1].moving_mean, 0.0)
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    before = [np.array(each) for each in plain.variables]
    batch_norm.estimate_statistics(plain)
    for one, other in zip(before, plain.variables, strict=True):
        np.testing.assert_array_equal(one, other)
