"""SNGAN's residual networks against the tables of the paper."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.networks import resnet_discriminator, resnet_generator

Shape = tuple[int, int, int]
CIFAR = (32, 32, 3)


def generator(shape: Shape, classes: int | None = None, **settings: Any) -> keras.Model:
    return resnet_generator.make(resnet_generator.Options(**settings), shape, classes)


def discriminator(shape: Shape, **settings: Any) -> keras.Model:
    return resnet_discriminator.make(resnet_discriminator.Options(**settings), shape)


def maps(network: keras.Model) -> list[tuple[int, int]]:
    """(side, channels) of the output of each block."""
    return [
        (layer.output.shape[1], layer.output.shape[3])
        for layer in network.layers
        if isinstance(layer, keras.layers.Add) and layer.name.count("_") == 1
    ]


def trained(network: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def test_for_cifar_10_it_is_the_generator_of_table_4() -> None:
    network = generator(CIFAR, latent_size=128)
    assert network.get_layer("to_map").output.shape == (None, 4, 4, 256)
    assert maps(network) == [(8, 256), (16, 256), (32, 256)]
    biases = 3 * 3 * 256  # of the blocks, which BatchNorm takes out
    assert trained(network) == 4_276_739 - biases


def test_for_cifar_10_it_is_the_discriminator_of_table_4() -> None:
    network = discriminator(CIFAR)
    assert maps(network) == [(16, 128), (8, 128), (8, 128), (8, 128)]
    assert trained(network) == trained(discriminator(CIFAR, spectral_norm=True)) == 1_053_825


def test_larger_images_double_the_channels_as_the_map_halves() -> None:
    draw, judge = generator((64, 64, 3), width=0.25), discriminator((64, 64, 3), width=0.25)
    assert draw.get_layer("to_map").output.shape == (None, 4, 4, 128)
    assert maps(draw) == [(8, 128), (16, 64), (32, 32), (64, 16)]
    assert maps(judge) == [(32, 16), (16, 32), (8, 64), (4, 128), (4, 128)]


def test_for_stl_10_it_is_the_generator_of_table_5() -> None:
    network = generator((48, 48, 3), width=0.125)
    assert network.get_layer("to_map").output.shape == (None, 6, 6, 64)
    assert maps(network) == [(12, 32), (24, 16), (48, 8)]


def test_the_paper_s_network_normalises_every_layer() -> None:
    network = discriminator((8, 8, 1), width=0.1, spectral_norm=True)
    plain = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    assert not plain
    assert [type(layer).__name__ for layer in network.layers].count("SpectralNorm") == 3 * 2 + 1 + 1


def test_the_logit_is_linear_in_the_sum_over_positions() -> None:
    network = discriminator((8, 8, 1), width=0.1)
    logits, features = network(tf.random.stateless_uniform([3, 8, 8, 1], [1, 2], -1.0, 1.0))
    kernel, bias = network.get_layer("logits").get_weights()
    np.testing.assert_allclose(logits, 16 * features.numpy() @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_a_label_chooses_scale_and_offset_after_batch_norm() -> None:
    network = generator((8, 8, 1), classes=3, width=0.05)
    latents = tf.random.stateless_normal([6, 100], [1, 2])
    labels = tf.constant([0, 1, 2, 0, 1, 2])
    at_start = [network([latents, each], training=False) for each in (labels, tf.zeros_like(labels))]
    np.testing.assert_array_equal(*at_start)
    scale, offset = network.get_layer("block_1_norm_1_scale"), network.get_layer("block_1_norm_1_offset")
    depth = scale.output.shape[-1]
    tables = np.random.default_rng(0).normal(size=(2, 3, depth)).astype(np.float32)
    scale.set_weights([tables[0]])
    offset.set_weights([tables[1]])
    inside = keras.Model(
        network.inputs, [network.get_layer(f"block_1_norm_1{end}").output for end in ("", "_with_offset")]
    )
    before, after = inside([latents, labels])
    expected = before.numpy() * tables[0][labels][:, None, None] + tables[1][labels][:, None, None]
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (30, 30, 3)])
def test_the_map_grows_to_the_image(shape: Shape) -> None:
    assert generator(shape, width=0.02).output.shape == (None, *shape)
