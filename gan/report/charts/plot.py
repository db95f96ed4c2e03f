"""From the numbers of a chart to the geometry of its SVG. Pure; the templates only write it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from gan.report.charts.axis import Axis, axis
from gan.report.data import Chart, ScoreInterval, ScoreRow, Series

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 60, 384, 12, 206
MAX_POINTS = 160
WHISKER_WIDTH, WHISKER_MARGIN = 260, 8
COMPARED = ("generator", "real", "live")


@dataclass(frozen=True)
class Line:
    """A drawn series: SVG path data of line and band, and its lone or last points as (x, y, title)."""

    name: str
    path: str
    band: str
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Plot:
    """A drawn chart."""

    chart: Chart
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    level: tuple[str, float] | None


@dataclass(frozen=True)
class Whisker:
    """An interval as drawn in a row of scores: positions of value and ends, and what to read out."""

    who: str
    value: float
    low: float
    high: float
    title: str


def plot(chart: Chart) -> Plot | None:
    """The geometry of a chart; None where no series has a point."""
    series = [_downsampled(each) for each in chart.series if each.points]
    if not series:
        return None
    xs = [x for each in series for x, _ in each.points]
    ys = [y for each in series for _, y in each.points]
    ys += [edge for each in series for pair in each.band for edge in pair]
    if chart.level is not None:
        ys.append(chart.level[1])
    if chart.least is not None:
        ys.append(chart.least)
    x = axis(min(0.0, *xs), max(xs), LEFT, RIGHT)
    y = axis(min(ys), max(ys), BOTTOM, TOP)
    level = None if chart.level is None else (chart.level[0], y.at(chart.level[1]))
    return Plot(chart, x, y, tuple(_line(each, x, y, chart.x_label) for each in series), level)


def whiskers(score: ScoreRow) -> tuple[Whisker, ...]:
    """A score's intervals side by side on one scale that begins at 0, or below where a value is negative."""
    shown = [(who, getattr(score, who)) for who in COMPARED if getattr(score, who) is not None]
    if not shown:
        return ()
    edges = [edge for _, each in shown for edge in (each.value, each.low, each.high) if edge is not None]
    scale = axis(min(0.0, *edges), max(edges), WHISKER_MARGIN, WHISKER_WIDTH - WHISKER_MARGIN)
    return tuple(_whisker(who, each, scale) for who, each in shown)


def _whisker(who: str, interval: ScoreInterval, scale: Axis) -> Whisker:
    low = interval.value if interval.low is None else interval.low
    high = interval.value if interval.high is None else interval.high
    title = f"{interval.value:.4g}" + ("" if interval.low is None else f" ({low:.4g} to {high:.4g})")
    return Whisker(who, scale.at(interval.value), scale.at(low), scale.at(high), title)


def _line(series: Series, x: Axis, y: Axis, x_label: str) -> Line:
    places = [(x.at(a), y.at(b)) for a, b in series.points]
    band = ""
    if series.band:
        upper = [(x.at(a), y.at(high)) for (a, _), (_, high) in zip(series.points, series.band, strict=True)]
        lower = [(x.at(a), y.at(low)) for (a, _), (low, _) in zip(series.points, series.band, strict=True)]
        band = path([*upper, *reversed(lower)]) + "Z"
    marked = range(len(places)) if len(places) <= 12 else ()
    dots = tuple(
        (*places[index], f"{series.name}, {x_label} {series.points[index][0]:g}: {series.points[index][1]:.4g}")
        for index in marked
    )
    return Line(series.name, path(places), band, dots)


def path(places: Sequence[tuple[float, float]]) -> str:
    """SVG path data through these positions.

    >>> path([(0, 1.5), (2, 3)])
    'M0 1.5L2 3'
    """
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _downsampled(series: Series) -> Series:
    """At most `MAX_POINTS` points: means of equal runs, so that a noisy curve stays light and readable."""
    size = -(-len(series.points) // MAX_POINTS)
    if size == 1 or series.band:
        return series
    runs = [series.points[first : first + size] for first in range(0, len(series.points), size)]
    points = tuple((fmean(x for x, _ in run), fmean(y for _, y in run)) for run in runs)
    return Series(series.name, points)
