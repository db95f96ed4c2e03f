"""The SVG geometry of charts, from their numbers. Pure; the templates only render it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from gan.report.data import Chart, ScoreInterval, ScoreRow, Series
from gan.util.formatting import format_interval, format_score

MIN_RELATIVE_SPREAD = 1e-9  # a range that is smaller relative to its ends counts as one value
WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 60, 384, 12, 206
MAX_POINTS = 160
WHISKER_WIDTH, WHISKER_MARGIN = 260, 8
COMPARED = ("generator", "real", "live")


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


@dataclass(frozen=True)
class Line:
    """A drawn series: SVG path data, and marked points as (x, y, title)."""

    name: str
    path: str
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Plot:
    """A drawn chart."""

    chart: Chart
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Whisker:
    """An interval as drawn in a row of scores: positions of its value and ends, and a text for screen readers."""

    subject: str
    value: float
    low: float
    high: float
    title: str


def plot(chart: Chart) -> Plot | None:
    """The geometry of a chart; None if no series has a point."""
    series = [_downsampled(each) for each in chart.series if each.points]
    if not series:
        return None
    all_x = [x for each in series for x, _ in each.points]
    all_y = [y for each in series for _, y in each.points]
    if chart.min_y is not None:
        all_y.append(chart.min_y)
    x = axis(min(0.0, *all_x), max(all_x), LEFT, RIGHT)
    y = axis(min(all_y), max(all_y), BOTTOM, TOP)
    return Plot(chart, x, y, tuple(_line(each, x, y, chart.x_label) for each in series))


def whiskers(score: ScoreRow) -> tuple[Whisker, ...]:
    """A score's intervals on one scale that starts at 0, or below if a value is negative."""
    shown = [(subject, getattr(score, subject)) for subject in COMPARED if getattr(score, subject) is not None]
    if not shown:
        return ()
    edges = [edge for _, each in shown for edge in (each.value, each.low, each.high) if edge is not None]
    scale = axis(min(0.0, *edges), max(edges), WHISKER_MARGIN, WHISKER_WIDTH - WHISKER_MARGIN)
    return tuple(_whisker(subject, each, scale) for subject, each in shown)


def _whisker(subject: str, interval: ScoreInterval, scale: Axis) -> Whisker:
    low = interval.value if interval.low is None else interval.low
    high = interval.value if interval.high is None else interval.high
    title = format_score(interval.value) + ("" if interval.low is None else f" ({format_interval(low, high)})")
    return Whisker(subject, scale.at(interval.value), scale.at(low), scale.at(high), title)


def _line(series: Series, x: Axis, y: Axis, x_label: str) -> Line:
    positions = [(x.at(a), y.at(b)) for a, b in series.points]
    marked = series.points if len(positions) <= 12 else ()
    dots = tuple((x.at(a), y.at(b), f"{series.name}, {x_label} {a:g}: {format_score(b)}") for a, b in marked)
    return Line(series.name, path(positions), dots)


def path(positions: Sequence[tuple[float, float]]) -> str:
    """SVG path data through these positions.

    Examples:
        >>> path([(0, 1.5), (2, 3)])
        'M0 1.5L2 3'
    """
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in positions)


def _downsampled(series: Series) -> Series:
    """At most `MAX_POINTS` points: means of runs of equal length, so that a noisy curve stays small and readable."""
    size = -(-len(series.points) // MAX_POINTS)
    if size == 1:
        return series
    runs = [series.points[first : first + size] for first in range(0, len(series.points), size)]
    points = tuple((fmean(x for x, _ in run), fmean(y for _, y in run)) for run in runs)
    return Series(series.name, points)
