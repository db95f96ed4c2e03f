"""Parts of the report as separate small pages, for Kubeflow's user interface."""

from __future__ import annotations

from collections.abc import Sequence

from gan.report.charts import plot
from gan.report.data import Chart, Mode
from gan.report.page import CHART_BOX, environment, shown_modes


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
