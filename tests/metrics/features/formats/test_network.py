"""Described networks: preprocessing, pooling and refusals, with plain functions as networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import yaml

from gan.errors import ConfigError, DataError
from gan.metrics.features.formats import description
from gan.metrics.features.formats.interface import Loaded
from gan.metrics.features.formats.network import DescribedNetwork
from support.networks import DESCRIPTION


def network(
    calculate: Callable, shape: tuple[int | None, ...] = (None, None, None, 3), **changes: object
) -> DescribedNetwork:
    tree = {**DESCRIPTION, "probabilities": None, "input_size": None, **changes}
    wanted = description.parse(yaml.safe_dump(tree).encode(), "net.yaml")
    return DescribedNetwork("keras", {"": b"x"}, wanted, Loaded(calculate, shape, (ValueError,)), "net.keras")


def spread(images: np.ndarray) -> tuple[np.ndarray, None]:
    """Twelve features: the first pixels of each image."""
    return images.reshape(len(images), -1)[:, :12], None


def pixels(count: int = 3, side: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), np.uint8)


def test_scale_may_differ_by_channel() -> None:
    made = network(spread, scale={"offset": [1, 2, 3], "divisor": [10, 20, 30]})
    wanted = (pixels().reshape(3, -1)[:, :12] - np.tile([1, 2, 3], 4)) / np.tile([10, 20, 30], 4)
    np.testing.assert_allclose(made.extract(pixels()).features, wanted, rtol=1e-6)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_maps_are_averaged_if_the_description_says_so(layout: str) -> None:
    def maps(images: np.ndarray) -> tuple[np.ndarray, None]:
        return np.concatenate([images] * 4, axis=1 if layout == "NCHW" else 3), None

    shape = (None, 3, None, None) if layout == "NCHW" else (None, None, None, 3)
    scale = {"offset": 0, "divisor": 1}
    made = network(maps, shape, layout=layout, pool="mean", scale=scale)
    means = pixels().mean(axis=(1, 2))
    np.testing.assert_allclose(made.extract(pixels()).features, np.tile(means, 4), rtol=1e-5)
    with pytest.raises(ConfigError, match=r'wanted \[N, F\]. Name another layer, or set "pool: mean"'):
        network(maps, shape, layout=layout, scale=scale)


def test_a_network_of_any_size_sees_images_as_they_are() -> None:
    sizes = []

    def watched(images: np.ndarray) -> tuple[np.ndarray, None]:
        sizes.append(images.shape[1:])
        return spread(images)

    network(watched).extract(pixels(side=11))
    assert sizes[-1] == (11, 11, 3)


def test_without_probabilities_there_are_no_classes() -> None:
    made = network(spread)
    assert made.classes == 0
    assert made.extract(pixels()).outputs.shape == (3, 0)


@pytest.mark.parametrize(
    ("calculate", "message"),
    [
        (lambda images: (images * np.inf, None), r"have the shape \[3, 32, 32, 3\]; wanted \[N, F\]"),
        (lambda images: (spread(images)[0] * np.inf, None), r"of random images are not finite; check scale"),
        (lambda images: (spread(images)[0][:, :7], None), r"shape \[3, 7\]; wanted at least 8 features"),
        (lambda images: (spread(images)[0][:1], None), r"for each of 3 images"),
        (lambda images: (np.random.default_rng().normal(size=(3, 12)), None), r"gives different features"),
    ],
)
def test_what_are_no_features_is_refused(calculate: Callable, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        network(calculate)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, None, None, 3), r"always 8 images. Export it so that the batch may have any size"),
        ((None, 192), r"shape \[None, 192\]; images need four dimensions, NHWC"),
    ],
)
def test_what_takes_no_images_is_refused(shape: tuple[int | None, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        network(spread, shape)


def test_an_error_of_the_network_is_told() -> None:
    def only_of_32(images: np.ndarray) -> tuple[np.ndarray, None]:
        if images.shape[1] != 32:
            raise ValueError("32 wanted")
        return spread(images)

    made = network(only_of_32)
    with pytest.raises(DataError, match="toy does not run on images of 8 x 8: 32 wanted"):
        made.extract(pixels())
    with pytest.raises(ConfigError, match="does not run on images of 9 x 9 with 3 channels: 32 wanted"):
        network(only_of_32, input_size=[9, 9])


def test_colour_is_not_made_grey() -> None:
    made = network(spread, (None, None, None, 1), channels=1)
    assert made.extract(pixels(channels=1)).features.shape == (3, 12)
    with pytest.raises(DataError, match="toy takes grey images; got 3 channels"):
        made.extract(pixels())
