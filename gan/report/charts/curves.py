"""Charts of a run's metrics log and evaluations. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gan.regularisers import REGULARISERS
from gan.report.data import Chart, Series
from gan.report.rows import interval
from gan.types import Json

ACCURACY = (
    "Discriminator accuracy",
    "share of images",
    (("real images", "real_accuracy"), ("generated images", "fake_accuracy")),
    0.0,
)


def training_charts(lines: Sequence[Json], *, zero_is_boundary: bool) -> tuple[Chart, ...]:
    """The charts of a log (see `gan.train.logging.metrics_log.read_metrics`); values that were not logged have none.

    Args:
        lines: each with "step" and values by name, ascending by step.
        zero_is_boundary: that of the loss (`gan.losses.interface.Loss`); if False, accuracies are meaningless and are
            not drawn, though earlier versions logged them.
    """
    definitions = (
        ("Losses", "loss", (("generator", "generator_loss"), ("discriminator", "discriminator_loss")), None),
        *([ACCURACY] if zero_is_boundary else []),
        (
            "Gradient norms",
            "norm",
            (("generator", "generator_gradient_norm"), ("discriminator", "discriminator_gradient_norm")),
            0.0,
        ),
        *(
            (f"{entry.options.TITLE} regulariser", entry.options.METRIC, ((entry.options.TITLE, name),), None)
            for name, entry in REGULARISERS.items()
        ),
        ("Gradient penalty", "penalty", (("gradient penalty", "gradient_penalty"),), 0.0),
        ("Strength of the augmentation", "probability", (("augmentation", "augmentation_strength"),), 0.0),
        ("Throughput", "images per second", (("training", "images_per_second"),), 0.0),
    )
    charts = []
    for title, y_label, keys, min_y in definitions:
        series = [_series(name, key, lines) for name, key in keys]
        shown = tuple(each for each in series if each.points)
        if shown:
            charts.append(Chart(title, y_label, shown, min_y=min_y))
    return tuple(charts)


def selection_charts(records: Sequence[Json]) -> tuple[Chart, ...]:
    """The FID by which the checkpoint was chosen, on latents and images that are used for nothing else.

    Args:
        records: selection records, all of one identity.
    """
    ordered = sorted(records, key=lambda record: int(record["step"]))
    if not ordered:
        return ()
    series = _score_series("this run", "fid", ordered)
    title = "Fréchet distance by which the checkpoint was chosen"
    return (Chart(title, ordered[-1]["label"], (series,), min_y=0.0),) if series.points else ()


def _series(name: str, key: str, lines: Sequence[Json]) -> Series:
    return Series(name, tuple((float(line["step"]), float(line[key])) for line in lines if key in line))


def _score_series(name: str, key: str, records: Sequence[Json]) -> Series:
    intervals = [(record["step"], interval(record["scores"].get(key))) for record in records]
    return Series(name, tuple((float(step), each.value) for step, each in intervals if each is not None))
