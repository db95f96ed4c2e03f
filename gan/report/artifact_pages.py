"""Parts of the report as small pages of their own, for whoever shows one part alone: Kubeflow's user interface."""

from __future__ import annotations

from collections.abc import Sequence

from gan.report.charts import plot
from gan.report.data import Chart, Mode
from gan.report.page import CHART_BOX, environment, shown_modes


def curves_page(title: str, charts: Sequence[Chart]) -> str:
    """The charts as one self-contained HTML page, or a sentence where there is none."""
    plots = [drawn for drawn in map(plot.plot, charts) if drawn is not None]
    return _page(title, plots, (), "No curves yet: nothing was logged.")


def modes_page(title: str, modes: Sequence[Mode]) -> str:
    """The mode histograms of real and generated images as one self-contained HTML page, or a sentence."""
    return _page(title, [], modes, "No modes were counted.")


def _page(title: str, plots: Sequence[plot.Plot], modes: Sequence[Mode], nothing: str) -> str:
    template = environment().get_template("excerpt.html.j2")
    return template.render(title=title, plots=plots, box=CHART_BOX, modes=shown_modes(tuple(modes)), nothing=nothing)
