"""The resampling of feature maps against scipy: zeros between pixels or around the map, and the filter [1, 3, 3, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from gan.networks.resample import downsample, upsample

FILTER = np.convolve([1, 2, 1], [1, 1]) / 8
KERNEL = np.outer(FILTER, FILTER)


def network(resample: Callable[[Any, str], Any], side: int, depth: int = 2) -> keras.Model:
    maps = keras.Input((side, side, depth))
    return keras.Model(maps, resample(maps, "resample"))


def maps(side: int, depth: int = 2) -> Any:
    return tf.random.stateless_normal([3, side, side, depth], [1, side])


def by_scipy_up(image: Any) -> Any:
    spread = np.zeros((2 * image.shape[0], 2 * image.shape[1]))
    spread[::2, ::2] = image
    return scipy.signal.convolve2d(spread, 4 * KERNEL)[1:-2, 1:-2]


def by_scipy_down(image: Any) -> Any:
    return scipy.signal.convolve2d(np.pad(image, 1), KERNEL, mode="valid")[::2, ::2]


@pytest.mark.parametrize(
    ("resample", "by_scipy"), [(upsample, by_scipy_up), (downsample, by_scipy_down)], ids=["up", "down"]
)
@pytest.mark.parametrize("side", [2, 4, 14])
def test_it_is_the_filter(resample: Callable[[Any, str], Any], by_scipy: Callable[[Any], Any], side: int) -> None:
    given = maps(side)
    found = network(resample, side)(given).numpy()
    for image, resampled in zip(given.numpy(), found, strict=True):
        for channel in range(2):
            np.testing.assert_allclose(resampled[..., channel], by_scipy(image[..., channel]), atol=1e-6)


def test_upwards_it_is_bilinear_interpolation_but_for_the_edge() -> None:
    given = maps(6)
    bilinear = tf.image.resize(given, (12, 12), "bilinear")
    np.testing.assert_allclose(network(upsample, 6)(given)[:, 1:-1, 1:-1], bilinear[:, 1:-1, 1:-1], atol=1e-6)


def test_one_direction_is_the_adjoint_of_the_other() -> None:
    """<up(x), y> = 4 <x, down(y)>: the gradient of one is the other."""
    small, large = maps(4), maps(8)
    up = float(tf.reduce_sum(network(upsample, 4)(small) * large))
    down = float(tf.reduce_sum(small * network(downsample, 8)(large)))
    assert up == pytest.approx(4 * down, rel=1e-4)


def test_it_has_no_weights() -> None:
    assert network(upsample, 4).weights == network(downsample, 4).weights == []


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_differs_by_rounding(policy: str, dtype_policy: Callable[[str], None]) -> None:
    full = network(downsample, 8)(maps(8))
    dtype_policy(policy)
    half = network(downsample, 8)(maps(8))
    assert half.dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(half, tf.float32), full, atol=0.05)
