"""Minibatch standard deviation against numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from gan.networks.layers.minibatch_std import MinibatchStd

MAPS = tf.random.stateless_normal([6, 3, 3, 4], [1, 2])


@pytest.mark.parametrize("group", [1, 2, 3, 6])
def test_the_added_channel_is_the_mean_standard_deviation_of_the_group(group: int) -> None:
    found = MinibatchStd(group)(MAPS).numpy()
    np.testing.assert_array_equal(found[..., :-1], MAPS)
    for begin in range(0, 6, group):
        expected = np.std(MAPS.numpy()[begin : begin + group], axis=0).mean()
        np.testing.assert_allclose(found[begin : begin + group, ..., -1], expected, rtol=1e-3, atol=2e-4)


def test_equal_images_have_no_deviation_and_a_finite_gradient() -> None:
    same = tf.Variable(tf.repeat(MAPS[:1], 4, axis=0))
    with tf.GradientTape() as tape:
        channel = MinibatchStd(4)(same)[..., -1]
    assert np.all(channel.numpy() < 1e-3)
    assert np.all(np.isfinite(tape.gradient(channel, same)))


def test_groups_are_consecutive_so_that_parts_of_a_batch_give_the_same() -> None:
    layer = MinibatchStd(3)
    parts = [layer(part) for part in tf.split(MAPS, 2)]
    np.testing.assert_array_equal(layer(MAPS), tf.concat(parts, 0))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_it_has_the_dtype_of_its_input(policy: str, dtype_policy: Callable[[str], None]) -> None:
    dtype_policy(policy)
    found = MinibatchStd(2)(MAPS)
    assert found.dtype == policy.removeprefix("mixed_")
    assert found.shape == (6, 3, 3, 5)


def test_its_settings_make_an_equal_layer() -> None:
    assert MinibatchStd.from_config(MinibatchStd(4).get_config()).group == 4
