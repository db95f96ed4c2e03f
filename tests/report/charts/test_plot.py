"""Plots: geometry that follows from the numbers."""

from __future__ import annotations

import pytest

from gan.report.charts import plot
from gan.report.data import Chart, ScoreInterval, ScoreRow, Series


def chart(*series: Series, min_y: float | None = None) -> Chart:
    return Chart("Losses", "loss", series, min_y=min_y)


def test_a_line_goes_through_its_points() -> None:
    drawn = plot.plot(chart(Series("generator", ((0, 0.0), (50, 1.0), (100, 0.5)))))
    assert drawn is not None
    (line,) = drawn.lines
    middle = (plot.LEFT + plot.RIGHT) / 2
    half = (plot.TOP + plot.BOTTOM) / 2
    assert line.path == f"M{plot.LEFT} {plot.BOTTOM}L{middle:g} {plot.TOP}L{plot.RIGHT} {half:g}"
    assert [dot[2] for dot in line.dots] == [
        "generator, step 0: 0",
        "generator, step 50: 1",
        "generator, step 100: 0.5",
    ]


def test_the_least_y_is_within_the_axis() -> None:
    drawn = plot.plot(chart(Series("this run", ((1, 5.0), (2, 4.0))), min_y=0.0))
    assert drawn is not None
    assert drawn.y.low == 0


def test_a_chart_without_points_is_no_plot() -> None:
    assert plot.plot(chart()) is None
    assert plot.plot(chart(Series("generator", ()))) is None
    drawn = plot.plot(chart(Series("generator", ()), Series("discriminator", ((1, 1.0),))))
    assert drawn is not None
    assert [line.name for line in drawn.lines] == ["discriminator"]


def test_long_series_are_thinned_to_means_without_marks() -> None:
    points = tuple((float(x), float(x % 2)) for x in range(2 * plot.MAX_POINTS))
    drawn = plot.plot(chart(Series("generator", points), min_y=0.0))
    assert drawn is not None
    (line,) = drawn.lines
    assert line.path.count("L") + 1 == plot.MAX_POINTS
    assert line.dots == ()
    heights = {place.split()[1] for place in line.path[1:].split("L")}
    assert heights == {f"{drawn.y.at(0.5):g}"}


def test_whiskers_share_a_scale_from_zero() -> None:
    score = ScoreRow("recall", "higher", ScoreInterval(0.5, 0.25, 1.0), ScoreInterval(0.75))
    generator, real = plot.whiskers(score)
    assert (generator.subject, real.subject) == ("generator", "real")
    span = plot.WHISKER_WIDTH - 2 * plot.WHISKER_MARGIN
    assert generator.value == pytest.approx(plot.WHISKER_MARGIN + span / 2)
    assert generator.high == pytest.approx(plot.WHISKER_MARGIN + span)
    assert (real.low, real.high) == (real.value, real.value)
    assert generator.title == "0.5 (0.25 to 1)"
    assert real.title == "0.75"


def test_whiskers_of_negative_scores_and_of_none() -> None:
    (only,) = plot.whiskers(ScoreRow("KID", "lower", ScoreInterval(-0.5, -1.0, 0.0)))
    assert plot.WHISKER_MARGIN <= only.low < only.value < only.high
    assert plot.whiskers(ScoreRow("KID", "lower", None)) == ()
