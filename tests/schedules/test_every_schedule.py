"""What every schedule must do, whatever its shape; and what a key that takes one does with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import ConfigError
from gan.options import Options
from gan.schedules import (
    SCHEDULES,
    cosine,
    first_value,
    is_constant,
    linear,
    scheduled_key,
    value_at,
    with_lengths,
)
from gan.schedules.interface import Scheduled

VALUES = st.floats(-100, 100, width=32)


@dataclass(frozen=True)
class Group(Options):
    """A group with a key that takes a schedule."""

    rate: Scheduled = scheduled_key(0.5, "A rate.", min_value=0, max_value=1)
    other: Scheduled = scheduled_key(0.25, "Another rate.", min_value=0)


def at(options: Any, step: int) -> float:
    value = value_at(options)(tf.constant(step, tf.int64))
    assert (value.shape, value.dtype) == ((), tf.float32)
    return float(value)


@pytest.mark.parametrize("name", SCHEDULES)
def test_its_name_is_that_of_the_registry(name: str) -> None:
    assert SCHEDULES[name].options(start=1.0, end=0.0).name == name


@pytest.mark.parametrize("name", SCHEDULES)
@given(start=VALUES, end=VALUES, steps=st.integers(1, 10**6))
def test_it_begins_at_start_and_is_at_end_after_its_steps(name: str, start: float, end: float, steps: int) -> None:
    made = SCHEDULES[name].options(start=start, end=end, steps=steps)
    assert at(made, 1) == pytest.approx(start, abs=1e-4)
    assert at(made, steps + 1) == pytest.approx(end, abs=1e-4)
    assert at(made, 10 * steps + 7) == at(made, steps + 1)
    low, high = min(start, end) - 1e-4, max(start, end) + 1e-4
    assert all(low <= at(made, 1 + steps * part // 4) <= high for part in range(5))


@pytest.mark.parametrize("name", SCHEDULES)
def test_from_a_value_to_itself_it_is_constant(name: str) -> None:
    made = SCHEDULES[name].options(start=0.3, end=0.3, steps=10)
    assert {round(at(made, step), 6) for step in range(1, 14)} == {0.3}


def test_known_values() -> None:
    line = linear.Options(start=1.0, end=0.0, steps=8)
    wave = cosine.Options(start=1.0, end=0.0, steps=8)
    for step in range(1, 10):
        done = (step - 1) / 8
        assert at(line, step) == pytest.approx(1 - done)
        assert at(wave, step) == pytest.approx((1 + math.cos(math.pi * done)) / 2, abs=1e-7)
    assert at(line, 5) == pytest.approx(0.5)
    assert at(wave, 5) == pytest.approx(0.5)
    assert at(wave, 3) == pytest.approx((1 + math.sqrt(0.5)) / 2)


def test_a_cosine_is_that_of_keras() -> None:
    import keras

    peer = keras.optimizers.schedules.CosineDecay(2e-4, decay_steps=1000, alpha=0.25)
    made = cosine.Options(start=2e-4, end=5e-5, steps=1000)
    for step in (1, 2, 250, 500, 999, 1000, 1500):
        assert at(made, step) == pytest.approx(float(peer(step - 1)), rel=1e-5)


def test_a_number_is_constant() -> None:
    assert at(0.75, 1) == at(0.75, 10**9) == 0.75
    assert (first_value(0.75), first_value(linear.Options(start=2.0, end=3.0))) == (0.75, 2.0)
    assert is_constant(0.75)
    assert not is_constant(linear.Options(start=1.0, end=0.0))


def test_inside_a_graph_it_follows_the_step() -> None:
    function = tf.function(value_at(linear.Options(start=0.0, end=10.0, steps=10)), autograph=False)
    np.testing.assert_allclose([float(function(tf.constant(step, tf.int64))) for step in (1, 2, 11)], [0, 1, 10])


def test_a_schedule_has_the_length_of_the_run_unless_it_has_its_own() -> None:
    with pytest.raises(ValueError, match="needs its length"):
        value_at(linear.Options(start=1.0, end=0.0))
    group = Group(rate=linear.Options(start=1.0, end=0.0), other=cosine.Options(start=1.0, end=0.0, steps=5))
    made = with_lengths({"a": group, "b": 3.0}, 40)
    assert made["a"].rate == linear.Options(start=1.0, end=0.0, steps=40)
    assert made["a"].other == group.other
    assert made["b"] == 3.0
    assert with_lengths(Group(), 40) == Group()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1e-3", 1e-3),
        (1, 1.0),
        ({"start": "1e-3", "end": 0}, cosine.Options(start=1e-3, end=0.0)),
        ({"name": "linear", "start": 0, "end": 1, "steps": 7.0}, linear.Options(start=0.0, end=1.0, steps=7)),
        (linear.Options(start=0.0, end=1.0), linear.Options(start=0.0, end=1.0)),
    ],
)
def test_a_key_takes_a_number_or_a_schedule(value: Any, expected: Any) -> None:
    assert Group(rate=value).rate == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, r"group.rate must be a number, or a schedule such as \{name: cosine, .*; got True"),
        (None, r"group.rate must be a number, or a schedule .*; got None"),
        ("fast", r"group.rate must be a number, or a schedule .*; got 'fast'"),
        (math.nan, r"group.rate must be finite; got nan"),
        (1.5, r"group.rate must be at least 0 and at most 1; got 1.5"),
        ({"start": 1.0}, r"group.rate.end must be a number; got None"),
        ({"start": 2.0, "end": 1.0}, r"group.rate.start must be at least 0 and at most 1; got 2.0"),
        ({"start": 1.0, "end": -1.0}, r"group.rate.end must be at least 0 and at most 1; got -1.0"),
        ({"name": "cosin"}, r'unknown group.rate.name "cosin"; did you mean "cosine"'),
        ({"begin": 1.0}, r'unknown config key "group.rate.begin"'),
        ({"start": 1.0, "end": 0.0, "steps": 0}, r"group.rate.steps must be at least 1; got 0"),
        ({"start": 1.0, "end": math.inf}, r"group.rate.end must be finite; got inf"),
    ],
)
def test_another_value_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Group(rate=value)
