"""The page: a ReportData in, one self-contained HTML text out. Every text of ours or others' is escaped by Jinja."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from gan.report.charts import plot
from gan.report.data import Mode, Picture, ReportData, Setting

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("samples", "Samples"),
    ("scores", "Scores"),
    ("over-time", "Over time"),
    ("curves", "Curves"),
    ("modes", "Modes"),
    ("walks", "Interpolation"),
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
DECIMALS = ((1000, 0), (10, 1), (1, 2), (0.1, 3), (0, 4))


@dataclass(frozen=True)
class ShownModes:
    """The modes that are drawn: the `largest` share sets the scale, `long` names stand above their bars."""

    shown: tuple[Mode, ...]
    largest: float
    long: bool
    note: str


def render(data: ReportData) -> str:
    """The HTML text of a report. It loads nothing from anywhere, and its own security policy forbids that."""
    scores = data.scores
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            sections=SECTIONS,
            who_names=SUBJECT_NAMES,
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
    """All modes in their order, or, of very many, those whose shares differ most."""
    shown, note = modes, ""
    if len(modes) > MAX_MODES:
        shown = tuple(sorted(modes, key=lambda mode: -abs(mode.real - mode.generated))[:MAX_MODES])
        note = f"Of {len(modes):,} modes, the {MAX_MODES} whose shares differ most are shown."
    largest = max((max(mode.real, mode.generated) for mode in shown), default=0.0) or 1.0
    return ShownModes(shown, largest, any(len(mode.name) > MAX_SHORT_NAME for mode in shown), note)


def grouped_settings(settings: tuple[Setting, ...]) -> list[tuple[str, list[tuple[str, Setting]]]]:
    """Settings by the first part of their keys, in the order given: ("train", [("steps", ...), ...])."""
    groups: dict[str, list[tuple[str, Setting]]] = {}
    for setting in settings:
        group, _, name = setting.key.partition(".")
        groups.setdefault(group if name else "experiment", []).append((name or group, setting))
    return list(groups.items())


def format_number(value: float) -> str:
    """A number with three figures that matter: 1,234, 12.3, 6.31, 0.830, 0.0193, 1.2e-05; whole numbers as such."""
    size = abs(value)
    if value == 0 or (size >= 1 and float(value).is_integer()):
        return f"{value:,.0f}"
    if size < 1e-4:
        return f"{value:.1e}"
    decimals = next(places for least, places in DECIMALS if size >= least)
    return f"{value:,.{decimals}f}"


def sentence(text: str) -> str:
    """Text with a full stop at its end; an id or a score's name at its start stays as it is."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def data_uri(picture: Picture) -> str:
    """A picture as a data: URI."""
    return "data:image/png;base64," + base64.b64encode(picture.png).decode()


def environment() -> jinja2.Environment:
    """Where the templates are, with every text escaped and the filters that they use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    filters: dict[str, Any] = {"figure": format_number, "percent": percent, "data_uri": data_uri, "sentence": sentence}
    made.filters.update(filters)
    return made
