from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from gan.networks import dcgan_discriminator


def convolutions(network: keras.Model) -> list[tuple[int, int, tuple[int, ...]]]:
    """(channels, stride, shape of the output) of each convolution."""
    return [
        (layer.filters, layer.strides[0], layer.output.shape[1:])
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]


def test_at_28_it_is_the_discriminator_of_the_tutorial() -> None:
    network = dcgan_discriminator.make(dcgan_discriminator.Options(), (28, 28, 1))
    assert convolutions(network) == [(64, 2, (14, 14, 64)), (128, 2, (7, 7, 128))]
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [0.3, 0.3]
    assert network.count_params() == 212_865  # what the tutorial's model.summary() prints


def test_at_64_it_is_one_convolution_deeper() -> None:
    network = dcgan_discriminator.make(dcgan_discriminator.Options(), (64, 64, 3))
    assert convolutions(network) == [(64, 2, (32, 32, 64)), (128, 2, (16, 16, 128)), (256, 2, (8, 8, 256))]


def test_at_8_the_second_convolution_keeps_the_size() -> None:
    network = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.1), (8, 8, 1))
    assert [(stride, size[0]) for _, stride, size in convolutions(network)] == [(2, 4), (1, 4)]


def test_features_are_the_averages_of_the_last_map() -> None:
    network = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.1, dropout=0.0), (8, 8, 1))
    last = keras.Model(network.input, network.get_layer("convolution_2_relu").output)
    images = tf.random.stateless_uniform([2, 8, 8, 1], [1, 2], -1.0, 1.0)
    np.testing.assert_allclose(network(images)[1], np.mean(last(images), axis=(1, 2)), rtol=1e-5, atol=1e-7)


def test_dropout_acts_while_training_only_and_zero_leaves_it_out() -> None:
    images = tf.random.stateless_uniform([2, 8, 8, 1], [1, 2], -1.0, 1.0)
    noisy = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.1), (8, 8, 1))
    assert np.any(noisy(images, training=True)[0] != noisy(images, training=True)[0])
    np.testing.assert_array_equal(noisy(images, training=False)[0], noisy(images, training=False)[0])
    clean = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.1, dropout=0.0), (8, 8, 1))
    assert not [layer for layer in clean.layers if isinstance(layer, keras.layers.Dropout)]
