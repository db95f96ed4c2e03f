from __future__ import annotations

import keras
import pytest

from gan.networks import dcgan_generator


def made(shape: tuple[int, int, int], **settings: float) -> keras.Model:
    return dcgan_generator.make(dcgan_generator.Options(**settings), shape)  # type: ignore[arg-type]


def convolutions(network: keras.Model) -> list[tuple[int, int, tuple[int, ...]]]:
    """(channels, stride, shape of the output) of each transposed convolution."""
    return [
        (layer.filters, layer.strides[0], layer.output.shape[1:])
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]


def test_at_28_it_is_the_generator_of_the_tutorial() -> None:
    network = made((28, 28, 1))
    assert network.get_layer("to_map").output.shape == (None, 7, 7, 256)
    assert convolutions(network) == [(128, 1, (7, 7, 128)), (64, 2, (14, 14, 64)), (1, 2, (28, 28, 1))]
    assert all(
        layer.kernel_size == (5, 5) and not layer.use_bias
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    )
    assert network.count_params() == 2_330_944  # what the tutorial's model.summary() prints


def test_at_64_it_goes_from_8_by_8_by_256_up() -> None:
    network = made((64, 64, 3))
    assert network.get_layer("to_map").output.shape == (None, 8, 8, 256)
    assert convolutions(network) == [(128, 2, (16, 16, 128)), (64, 2, (32, 32, 64)), (3, 2, (64, 64, 3))]


def test_at_128_it_is_one_convolution_deeper() -> None:
    network = made((128, 128, 3), width=0.125)
    assert network.get_layer("to_map").output.shape == (None, 8, 8, 64)
    assert [size[0] for _, _, size in convolutions(network)] == [16, 32, 64, 128]


def test_every_hidden_layer_is_normalised() -> None:
    network = made((28, 28, 1), width=0.1)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("BatchNormalization") == kinds.count("LeakyReLU") == 3


@pytest.mark.parametrize("latent_size", [1, 17])
def test_latents_may_have_any_length(latent_size: int) -> None:
    assert made((8, 8, 1), latent_size=latent_size, width=0.1).input.shape == (None, latent_size)
