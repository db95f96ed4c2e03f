from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.train import ema


def model() -> keras.Model:
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    )


def test_the_ema_begins_equal_and_holds_batchnorm_statistics_and_random_state() -> None:
    generator = model()
    generator(np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32), training=True)
    mean = ema.make_ema(generator)
    assert [v.name for v in mean.variables][-3:] == ["moving_mean", "moving_variance", "seed_generator_state"]
    for one, other in zip(mean.variables, generator.variables, strict=True):
        assert one is not other
        np.testing.assert_array_equal(one, other)


@settings(max_examples=25)
@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=30), st.floats(0, 0.99))
def test_the_ema_of_a_constant_decay_is_the_closed_form(values: list[float], decay: float) -> None:
    mean, variable = keras.Variable(0.0), keras.Variable(0.0)
    for value in values:
        variable.assign(value)
        ema.update([mean], [variable], tf.constant(decay))
    count = len(values)
    expected = sum((1 - decay) * decay ** (count - 1 - index) * value for index, value in enumerate(values))
    assert float(mean) == pytest.approx(expected, abs=1e-4)


def test_without_decay_the_ema_equals_the_generator_bit_by_bit() -> None:
    random = np.random.default_rng(1)
    mean, variable = (keras.Variable(random.normal(size=100), dtype="float32") for _ in range(2))
    ema.update([mean], [variable], ema.decay_at(tf.constant(5, tf.int64), 0.0))
    np.testing.assert_array_equal(mean, variable)


def test_what_is_not_floating_point_is_copied() -> None:
    mean, variable = keras.Variable([1, 2], dtype="int64"), keras.Variable([7, 9], dtype="int64")
    ema.update([mean], [variable], tf.constant(0.999))
    assert mean.numpy().tolist() == [7, 9]


@pytest.mark.parametrize(("step", "expected"), [(0, 0.1), (1, 2 / 11), (90, 0.91), (10**6, 0.999)])
def test_the_start_weighs_less(step: int, expected: float) -> None:
    assert float(ema.decay_at(tf.constant(step, tf.int64), 0.999)) == pytest.approx(expected)


def test_it_is_the_average_that_tensorflow_computes() -> None:
    variable, mean = tf.Variable(1.0), keras.Variable(1.0)
    updates = tf.Variable(0)
    peer = tf.train.ExponentialMovingAverage(0.8, num_updates=updates)
    peer.apply([variable])
    for step, value in enumerate((3.0, -2.0, 7.0, 7.5, 0.25) * 10, start=1):
        variable.assign(value)
        updates.assign(step)
        peer.apply([variable])
        ema.update([mean], [keras.Variable(value)], ema.decay_at(tf.constant(step, tf.int64), 0.8))
    assert float(mean) == pytest.approx(float(peer.average(variable)), rel=1e-5)


@pytest.mark.parametrize("steps", [1, 10, 300])
@pytest.mark.parametrize("ramp_up", [True, False])
def test_the_share_of_what_it_starts_with_is_the_closed_form(steps: int, ramp_up: bool) -> None:
    """Start at 1 and follow zeros: what is left is the share of the start."""
    mean, decay = keras.Variable(1.0), 0.99
    for step in range(1, steps + 1):
        ema.update([mean], [keras.Variable(0.0)], ema.decay_at(tf.constant(step, tf.int64), decay, ramp_up=ramp_up))
    ramped = np.prod([min(decay, (1 + step) / (10 + step)) for step in range(1, steps + 1)])
    assert float(mean) == pytest.approx(ramped if ramp_up else decay**steps, rel=1e-4)


HALF_LIFE = st.floats(1, 1e6, width=32)


@pytest.mark.parametrize(("half_life", "images"), [(640, 64), (64, 64), (50_000, 50)])
def test_after_a_half_life_half_of_the_start_is_left(half_life: float, images: int) -> None:
    decay = ema.decay_of_half_life(tf.constant(1, tf.int64), half_life, images_per_step=images, ramp_up=None)
    mean = keras.Variable(1.0)
    for _ in range(int(half_life / images)):
        ema.update([mean], [keras.Variable(0.0)], decay)
    assert float(mean) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, 0.5 ** (1 / 0.05)),  # half-life 0.05 * 64 images
        (100, 0.5 ** (1 / 5)),
        (200, 0.5 ** (1 / 10)),
        (201, 0.5 ** (1 / 10)),  # the ramp has reached 640 images
        (10**6, 0.5 ** (1 / 10)),
    ],
)
def test_the_half_life_is_ramped_up_with_the_images_so_far(step: int, expected: float) -> None:
    found = ema.decay_of_half_life(tf.constant(step, tf.int64), 640.0, images_per_step=64, ramp_up=0.05)
    assert found.dtype == tf.float32
    assert float(found) == pytest.approx(expected, rel=1e-5)


@given(half_life=HALF_LIFE, images=st.integers(1, 4096), ramp_up=st.floats(0.001, 1))
def test_a_ramped_decay_grows_to_that_without_a_ramp(half_life: float, images: int, ramp_up: float) -> None:
    def at(step: int, ramp: float | None) -> float:
        number = tf.constant(step, tf.int64)
        return float(ema.decay_of_half_life(number, half_life, images_per_step=images, ramp_up=ramp))

    decays = [at(step, ramp_up) for step in (1, 2, 10, 1000)]
    full = at(1, None)
    assert decays == sorted(decays)
    assert all(0 <= each <= full <= 1 for each in decays)
    assert at(10**12, ramp_up) == full
