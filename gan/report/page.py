"""Renders a ReportData as one self-contained HTML page. Jinja escapes every text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from gan.report.charts import plot
from gan.report.data import Chart, Mode, Picture, ReportData, Setting
from gan.util.formatting import format_number, format_percent

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("samples", "Samples"),
    ("scores", "Scores"),
    ("over-time", "Over time"),
    ("curves", "Curves"),
    ("modes", "Modes"),
    ("interpolation", "Interpolation"),
    ("nearest", "Nearest images"),
    ("lineage", "Lineage"),
    ("config", "Config"),
    ("environment", "Environment"),
)
SUBJECT_NAMES = {"generator": "this generator", "real": "real data", "live": "live generator"}
MAX_MODES = 40
MAX_SHORT_NAME = 8
CHART_BOX = {
    "width": plot.WIDTH,
    "height": plot.HEIGHT,
    "left": plot.LEFT,
    "right": plot.RIGHT,
    "top": plot.TOP,
    "bottom": plot.BOTTOM,
}


@dataclass(frozen=True)
class ShownModes:
    """The modes that are drawn; the `largest` share sets the scale, and `long` names are above their bars."""

    shown: tuple[Mode, ...]
    largest: float
    long: bool
    note: str


def render(data: ReportData) -> str:
    """The HTML of a report. It loads nothing, and its content security policy forbids loading."""
    scores = data.scores
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            sections=SECTIONS,
            subject_names=SUBJECT_NAMES,
            score_rows=[(row, plot.whiskers(row)) for row in scores.rows] if scores else [],
            has_live=scores is not None and any(row.live for row in scores.rows),
            whisker_width=plot.WHISKER_WIDTH,
            plots=[drawn for drawn in map(plot.plot, data.charts) if drawn is not None],
            box=CHART_BOX,
            modes=shown_modes(data.modes),
            settings=grouped_settings(data.settings),
        )
    )


def shown_modes(modes: tuple[Mode, ...]) -> ShownModes:
    """All modes in order; if there are more than MAX_MODES, those whose shares differ most."""
    shown, note = modes, ""
    if len(modes) > MAX_MODES:
        shown = tuple(sorted(modes, key=lambda mode: -abs(mode.real - mode.generated))[:MAX_MODES])
        note = f"Of {len(modes):,} modes, the {MAX_MODES} whose shares differ most are shown."
    largest = max((max(mode.real, mode.generated) for mode in shown), default=0.0) or 1.0
    return ShownModes(shown, largest, any(len(mode.name) > MAX_SHORT_NAME for mode in shown), note)


def grouped_settings(settings: tuple[Setting, ...]) -> list[tuple[str, list[tuple[str, Setting]]]]:
    """Settings grouped by the first part of their keys, in order: ("train", [("steps", ...), ...])."""
    groups: dict[str, list[tuple[str, Setting]]] = {}
    for setting in settings:
        group, _, name = setting.key.partition(".")
        groups.setdefault(group if name else "experiment", []).append((name or group, setting))
    return list(groups.items())


def sentence(text: str) -> str:
    """Text with a full stop; the first letter stays as it is, since it may belong to an id."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def data_uri(picture: Picture) -> str:
    """A picture as a data: URI."""
    return "data:image/png;base64," + base64.b64encode(picture.png).decode()


def environment() -> jinja2.Environment:
    """The environment of the templates: autoescaping, and their filters."""
    jinja_environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    filters: dict[str, Any] = {
        "figure": format_number,
        "percent": format_percent,
        "data_uri": data_uri,
        "sentence": sentence,
    }
    jinja_environment.filters.update(filters)
    return jinja_environment


def curves_page(title: str, charts: Sequence[Chart]) -> str:
    """The charts as one self-contained HTML page; without charts, a sentence."""
    plots = [drawn for drawn in map(plot.plot, charts) if drawn is not None]
    return _page(title, plots, (), "No curves yet: nothing was logged.")


def modes_page(title: str, modes: Sequence[Mode]) -> str:
    """The mode histograms of real and generated images as one self-contained HTML page; without modes, a sentence."""
    return _page(title, [], modes, "No modes were counted.")


def _page(title: str, plots: Sequence[plot.Plot], modes: Sequence[Mode], empty_message: str) -> str:
    template = environment().get_template("artifact_page.html.j2")
    return template.render(
        title=title, plots=plots, box=CHART_BOX, modes=shown_modes(tuple(modes)), empty_message=empty_message
    )
