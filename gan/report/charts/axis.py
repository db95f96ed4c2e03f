"""Axes: ticks at round numbers, and positions of values. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_RELATIVE_SPREAD = 1e-9  # a range that is smaller relative to its ends counts as one value


@dataclass(frozen=True)
class Axis:
    """A linear axis from value `low` to `high`, drawn from position `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The position of a value, rounded to 0.01 units; values beyond the axis are clipped."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def label(self, tick: float) -> str:
        """A tick as short text: 0.25, 1,500, 20k, 1e-05."""
        if tick == 0:
            return "0"
        if abs(tick) >= 10_000:
            return f"{tick / 1000:g}k"
        if abs(tick) < 1e-3:
            return f"{tick:.3g}"
        return f"{round(tick, 6):,g}"


def axis(low: float, high: float, start: float, end: float, *, count: int = 4) -> Axis:
    """An axis that covers [low, high] with about `count` ticks at round numbers and its ends on the outermost ticks."""
    if high - low <= MIN_RELATIVE_SPREAD * max(abs(low), abs(high)):
        spread = abs(low) / 2 or 0.5
        low, high = low - spread, low + spread
    step = round_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{index * step:.12g}") for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def round_step(size: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `size` (> 0).

    Examples:
        >>> [round_step(size) for size in (0.3, 1.7, 2.1, 60)]
        [0.5, 2.0, 2.5, 100.0]
    """
    power = 10.0 ** math.floor(math.log10(size))
    factor = next(each for each in (1, 2, 2.5, 5, 10) if each * power >= size * (1 - 1e-9))
    return factor * power
