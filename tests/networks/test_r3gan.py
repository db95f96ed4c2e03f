"""The networks in the manner of R3GAN: what the paper says of their blocks."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.networks import r3gan_discriminator, r3gan_generator
from gan.networks.r3gan_parts import stage_channels
from gan.networks.shape import halve

Shape = tuple[int, int, int]


def generator(shape: Shape, **settings: Any) -> keras.Model:
    return r3gan_generator.make(r3gan_generator.Options(**settings), shape)


def discriminator(shape: Shape, **settings: Any) -> keras.Model:
    return r3gan_discriminator.make(r3gan_discriminator.Options(**settings), shape)


def blocks(network: keras.Model) -> list[tuple[int, int]]:
    """(side, channels) of each residual block."""
    return [
        (layer.output.shape[1], layer.output.shape[3])
        for layer in network.layers
        if isinstance(layer, keras.layers.Add)
    ]


@pytest.mark.parametrize(
    ("side", "channels"),
    [
        (16, [256, 256, 128]),
        (28, [256, 128, 64]),
        (32, [256, 256, 128, 64]),
        (64, [256, 256, 128, 64, 32]),
        (128, [256, 256, 128, 64, 32, 16]),
    ],
)
def test_channels_halve_where_the_map_is_larger_than_8(side: int, channels: list[int]) -> None:
    assert stage_channels(halve((side, side, 1), smallest=4), 1.0) == channels


def test_each_size_of_the_map_has_its_blocks() -> None:
    assert blocks(generator((28, 28, 1), width=0.25)) == [(7, 64), (14, 32), (28, 16)]
    assert blocks(discriminator((16, 16, 3), width=0.125, blocks=2)) == 2 * [(16, 16)] + 2 * [(8, 32)] + 2 * [(4, 32)]


@pytest.mark.parametrize("make", [generator, discriminator])
def test_nothing_is_normalised(make: Any) -> None:
    assert not [layer for layer in make((8, 8, 1), width=0.1).layers if "Norm" in type(layer).__name__]


def test_a_block_starts_as_the_identity_with_scaled_weights() -> None:
    """Standard deviation gain L^(-1/4) / sqrt(fan-in) for L blocks, and 0 for the last convolution."""
    network = discriminator((16, 16, 1), blocks=3, group_size=64)
    gain = math.sqrt(2 / 1.04) * 9 ** (-1 / 4)
    expand = network.get_layer("stage_3_block_2_expand").get_weights()[0]
    grouped = network.get_layer("stage_3_block_2_convolution_5").get_weights()[0]
    assert expand.shape == (1, 1, 256, 512)
    assert grouped.shape == (3, 3, 64, 64)
    assert np.std(expand) == pytest.approx(gain / math.sqrt(256), rel=0.02)
    assert np.std(grouped) == pytest.approx(gain / math.sqrt(9 * 64), rel=0.02)
    reduce = network.get_layer("stage_3_block_2_reduce")
    assert not reduce.use_bias
    assert not np.any(reduce.get_weights()[0])


def test_the_groups_are_a_grouped_convolution() -> None:
    """Against TensorFlow's own, by copying the weights."""
    network = generator((8, 8, 1), width=0.125, group_size=16)
    single = keras.layers.Conv2D(64, 3, padding="same", groups=4)
    single.build((None, 4, 4, 64))
    parts = [network.get_layer(f"stage_1_block_1_convolution_{index}") for index in range(1, 5)]
    single.set_weights([np.concatenate([part.get_weights()[each] for part in parts], -1) for each in (0, 1)])
    inside = keras.Model(
        network.input,
        [network.get_layer(f"stage_1_block_1_{name}").output for name in ("relu_1", "convolution")],
    )
    before, after = inside(tf.random.stateless_normal([2, 100], [1, 2]))
    np.testing.assert_allclose(after, single(before), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("group_size", "groups"), [(4, 16), (32, 2), (1024, 1)])
def test_group_size_decides_the_number_of_groups(group_size: int, groups: int) -> None:
    network = generator((8, 8, 1), width=0.125, group_size=group_size)
    made = [layer for layer in network.layers if layer.name.startswith("stage_1_block_1_convolution")]
    assert len([layer for layer in made if isinstance(layer, keras.layers.Conv2D)]) == groups


def test_expansion_is_the_width_inside_a_block() -> None:
    for expansion in (0.5, 2.0, 3.0):
        network = generator((8, 8, 1), width=0.25, expansion=expansion)
        assert network.get_layer("stage_1_block_1_expand").filters == 64 * expansion


def test_the_generator_begins_with_a_basis_scaled_by_the_latent() -> None:
    network = generator((8, 8, 1), width=0.05)
    latents = tf.random.stateless_normal([3, 100], [1, 2])
    (dense,), (basis,) = (network.get_layer(name).get_weights() for name in ("dense", "basis"))
    found = keras.Model(network.input, network.get_layer("basis").output)(latents)
    np.testing.assert_allclose(found, np.einsum("nz,zc,ijc->nijc", latents, dense, basis), rtol=1e-4, atol=1e-5)


def test_the_discriminator_ends_with_a_basis() -> None:
    network = discriminator((8, 8, 1), width=0.05)
    images = tf.random.stateless_uniform([3, 8, 8, 1], [1, 2], -1.0, 1.0)
    last = keras.Model(network.input, network.get_layer("stage_2_block_1").output)(images)
    (basis,), (dense,) = (network.get_layer(name).get_weights() for name in ("basis", "logits"))
    logits, features = network(images)
    np.testing.assert_allclose(features, np.einsum("nijc,ijc->nc", last, basis), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, features @ dense, rtol=1e-4, atol=1e-5)


def test_with_spectral_norm_no_weight_starts_at_zero() -> None:
    network = discriminator((8, 8, 1), width=0.05, spectral_norm=True)
    assert all(np.any(variable) for variable in network.trainable_variables if len(variable.shape) > 1)
