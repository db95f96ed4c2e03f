"""The result of a step as Kubeflow artifacts, so that its UI shows what the report shows.

Each function fills the file or the metadata of one artifact. Tables are Markdown; text from the store is escaped.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.build import build_loss
from gan.export import metadata
from gan.report import page
from gan.report.charts import curves
from gan.report.rows import modes as modes_of
from gan.result import StepResult
from gan.store import immutable, layout
from gan.train.logging.metrics_log import read_metrics
from gan.train.run import read_run
from gan.util.formatting import format_value

if TYPE_CHECKING:
    from kfp.dsl import HTML, Markdown, Metrics, Model

    from gan.store import Store


def write_markdown(artifact: Markdown, text: str) -> None:
    """Put Markdown text into an artifact."""
    Path(artifact.path).write_text(text, encoding="utf-8")


def outcome_table(result: StepResult) -> str:
    """Everything in a result, one row a value."""
    rows = [[name, _cell(value)] for name, value in result.to_dict().items()]
    return _table(["", ""], rows)


def score_table(details: Mapping[str, Any]) -> str:
    """The scores of a checkpoint with their intervals, and those of real data."""
    rows = []
    for name, score in details["scores"].items():
        real = details["real"].get(name)
        interval = f"{_cell(score['low'])} to {_cell(score['high'])}" if "low" in score else ""
        rows.append([name, _cell(score["value"]), interval, _cell(real["value"]) if real else ""])
    heading = f"**{_cell(details['label'])}** at step {details['step']}\n\n"
    heading += f"{_cell(details['weakness'])}\n\n" if details.get("weakness") else ""
    return heading + _table(["score", "generator", "interval", "real data"], rows)


def trial_table(trials: Sequence[Mapping[str, Any]]) -> str:
    """The trials of a stage of a sweep, one row each."""
    rows = [[_cell(each["point"]), _cell(each["seed"]), _cell(each["steps"])] for each in trials]
    return _table(["point", "seed", "to step"], rows)


def sweep_table(details: Mapping[str, Any]) -> str:
    """What each point of a sweep reached, the best first."""
    rows = [[_cell(row["point"]), _cell(row["steps"]), _cell(row["score"])] for row in details["table"]]
    return _table(["point", "step", f"mean {_cell(details['by'])} over seeds"], rows)


def verdict(result: StepResult) -> str:
    """The gate's verdict: passed or refused, the reasons, the notes, and every check."""
    details = result.details
    heading = "## Passed\n" if details["passed"] else "## Refused\n"
    reasons = "".join(f"- {_cell(reason)}\n" for reason in [*details["reasons"], *details["notes"]])
    checks = [
        [_cell(check["name"]), _cell(check["value"]), _cell(check["allowed"]), "yes" if check["passed"] else "**no**"]
        for check in details["checks"]
    ]
    return f"{heading}\n{reasons}\n{_table(['check', 'value', 'allowed', 'passed'], checks)}"


def log_figures(metrics: Metrics, details: Mapping[str, Any]) -> None:
    """Every number among the details of a result, as a metric."""
    for name, value in details.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            _log(metrics, name, value)


def log_scores(metrics: Metrics, details: Mapping[str, Any]) -> None:
    """Each score, and the same score of real data as `real_<name>`."""
    for prefix, scores in (("", details["scores"]), ("real_", details["real"])):
        for name, score in scores.items():
            _log(metrics, prefix + name, score["value"])


def write_modes(artifact: HTML, details: Mapping[str, Any]) -> None:
    """The mode histograms of real and generated images as bars side by side."""
    title = f"How often each mode appears at step {details['step']}"
    Path(artifact.path).write_text(page.modes_page(title, modes_of(dict(details))), encoding="utf-8")


def write_curves(artifact: HTML, store: Store, run_id: str) -> None:
    """The losses, accuracies and gradient norms of a run over its steps."""
    loss = build_loss(read_run(store, run_id).config)
    charts = curves.training_charts(read_metrics(store, run_id), zero_is_boundary=loss.zero_is_boundary)
    Path(artifact.path).write_text(page.curves_page(f"Curves of {run_id}", charts), encoding="utf-8")


def write_last_samples(artifact: HTML, store: Store, run_id: str) -> None:
    """The newest sample grid of a run as a page of its own."""
    grids = layout.sample_grids(store, run_id)
    picture = base64.b64encode(store.read(grids[-1])).decode() if grids else ""
    body = f'<img alt="samples" src="data:image/png;base64,{picture}">' if grids else "No samples were drawn yet."
    Path(artifact.path).write_text(f"<!doctype html><title>Samples</title>{body}", encoding="utf-8")


def copy_generator(artifact: Model, card: Markdown, store: Store, result: StepResult) -> None:
    """The .keras file and the model card of an exported generator, checked; its id and URI as metadata."""
    Path(artifact.path).write_bytes(immutable.read_file(store, "generator", result.id, metadata.KERAS))
    Path(card.path).write_bytes(immutable.read_file(store, "generator", result.id, metadata.CARD))
    artifact.metadata.update(generator_id=result.id, uri=result.uri, framework="keras")


def copy_object(artifact: HTML, store: Store, key: str) -> None:
    """Any object of the store as it is."""
    Path(artifact.path).write_bytes(store.read(key))


def _log(metrics: Metrics, name: str, value: float) -> None:
    if math.isfinite(value):  # JSON, and so Kubeflow's metadata, can't hold infinity
        metrics.log_metric(name, value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return format_value(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
