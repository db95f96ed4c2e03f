"""The schedules by name.

A new one needs one file, one line here, and to pass tests/schedules/test_every_schedule.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from gan.errors import ConfigError
from gan.options import Entry, Options, as_number, check_range, key, keys, parse_choice
from gan.schedules import cosine, linear
from gan.schedules.interface import Scheduled, ScheduleOptions, ValueAt
from gan.types import Scalar, Tensor
from gan.util.lazy import tf

SCHEDULES: dict[str, Entry[Any, Scalar]] = {
    "cosine": Entry(cosine.Options, cosine.make),
    "linear": Entry(linear.Options, linear.make),
}
EXAMPLE = "{name: cosine, start: 2.0e-4, end: 5.0e-5}"


def scheduled_key(default: float, help_text: str, *, min_value: float, max_value: float | None = None) -> Any:
    """A `gan.options.key` that takes a number or a schedule of numbers, `Scheduled`, all in one range."""
    bounds = {"choices": None, "min_value": min_value, "max_value": max_value}
    return key(default, help_text, min_value=min_value, max_value=max_value, parse=partial(_parse, bounds))


def value_at(value: Scheduled) -> ValueAt:
    """The function of the step's number, int64 from 1, that a key's value stands for; constant for a number.

    Raises:
        ValueError: a schedule has no length; see `with_lengths`.
    """
    if not isinstance(value, ScheduleOptions):
        return lambda step: tf.constant(value, tf.float32)
    if value.steps is None:
        raise ValueError("a schedule needs its length: see gan.schedules.with_lengths")
    return partial(_value_at, value, value.steps)


def first_value(value: Scheduled) -> float:
    """The value at the first step."""
    return value.start if isinstance(value, ScheduleOptions) else value


def is_constant(value: Scheduled) -> bool:
    """Whether a key's value is a number, not a schedule."""
    return not isinstance(value, ScheduleOptions)


def with_lengths(options: Any, steps: int) -> Any:
    """Options, or a mapping of them, in which every schedule without a length has `steps`."""
    if isinstance(options, Mapping):
        return {name: with_lengths(each, steps) for name, each in options.items()}
    if isinstance(options, ScheduleOptions):
        return options if options.steps is not None else dataclasses.replace(options, steps=steps)
    if isinstance(options, Options):
        schedules = {item.name: getattr(options, item.name) for item in keys(type(options))}
        found = {name: with_lengths(each, steps) for name, each in schedules.items() if not is_constant(each)}
        return dataclasses.replace(options, **found)
    return options


def _value_at(options: ScheduleOptions, steps: int, step: Tensor) -> Scalar:
    """The first step has `start`; the one after `steps` steps, and all later ones, have `end`."""
    fraction = tf.clip_by_value((tf.cast(step, tf.float32) - 1.0) / float(steps), 0.0, 1.0)
    return tf.cast(SCHEDULES[options.name].make(options, fraction), tf.float32)


def _parse(bounds: Mapping[str, Any], name: str, value: Any) -> Scheduled:
    if isinstance(value, Mapping):
        value = parse_choice(SCHEDULES, "cosine", value, name)
    if isinstance(value, ScheduleOptions):
        check_range(f"{name}.start", value.start, bounds)
        check_range(f"{name}.end", value.end, bounds)
        return value
    number = as_number(value)
    if not isinstance(number, float):
        raise ConfigError(f"{name} must be a number, or a schedule such as {EXAMPLE}; got {value!r}")
    if not math.isfinite(number):
        raise ConfigError(f"{name} must be finite; got {value!r}")
    check_range(name, number, bounds)
    return number
