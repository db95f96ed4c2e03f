"""From records of the store to the data of the page."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gan.config import Config, override
from gan.errors import ConfigError
from gan.regularisers import REGULARISERS
from gan.report import rows
from gan.report.charts import curves
from gan.report.data import Mode, ScoreInterval, ScoreRow, Setting

LINES = [
    {"step": 1, "generator_loss": 0.9, "discriminator_loss": 1.2, "images_per_second": 100.0, "kl": 0.5},
    {"step": 2, "generator_loss": 0.8, "discriminator_loss": 1.3, "images_per_second": 110.0},
]


def evaluation(step: int = 10, fid: float = 7.0, **changes: Any) -> dict[str, Any]:
    return {
        "step": step,
        "label": "fid[digits-cnn:1a2b3c]",
        "identity": {"samples": 40, "crop": None},
        "scores": {
            "fid": {"value": fid, "low": fid - 1, "high": fid + 1},
            "precision": {"value": 0.5, "low": 0.4, "high": 0.6},
            "recall": {"value": 0.25, "low": 0.2, "high": 0.3},
            "mode_kl": {"value": 0.1, "low": 0.0, "high": 0.2, "floor": 0.02},
        },
        "real": {"fid": {"value": 1.5, "low": 1.0, "high": 2.0}},
        "histogram": {"names": ["0", "1"], "real": [0.5, 0.5], "generated": [0.25, 0.75]},
        **changes,
    }


def test_rows_in_order_with_real_live_and_floor() -> None:
    made = rows.scores(evaluation(), evaluation(fid=9.0), "Live is gen-1.")
    assert [row.name for row in made.rows] == ["fid[digits-cnn:1a2b3c]", "precision", "recall", "mode KL"]
    fid, _, recall, kl = made.rows
    assert (fid.generator, fid.real, fid.live) == (
        ScoreInterval(7, 6, 8),
        ScoreInterval(1.5, 1, 2),
        ScoreInterval(9, 8, 10),
    )
    assert (fid.better, recall.better) == ("lower", "higher")
    assert recall.meaning == "Share of real images that lie in the neighbourhood of a generated image."
    assert recall.real is None
    assert (fid.floor, kl.floor) == (None, 0.02)
    assert made.identity == (("samples", "40"), ("crop", "none"))
    assert made.live_note == "Live is gen-1."


def test_scores_of_another_identity_are_not_shown_beside() -> None:
    other = evaluation(identity={"samples": 41, "crop": None})
    assert all(row.live is None for row in rows.scores(evaluation(), other, "").rows)


@pytest.mark.parametrize("value", [None, {}, {"value": math.nan}, {"value": math.inf}, {"value": "inf"}])
def test_what_is_no_finite_number_is_left_out(value: dict[str, Any] | None) -> None:
    assert rows.interval(value) is None


def test_a_score_without_interval_and_one_nobody_knows() -> None:
    made = rows.scores(evaluation(scores={"sharpness": {"value": 3.0}}), None, "")
    assert made.rows == (ScoreRow("sharpness", None, ScoreInterval(3.0)),)


def test_better_is_checked() -> None:
    with pytest.raises(ConfigError, match="'bigger'"):
        ScoreRow("fid", "bigger", None)


def test_modes() -> None:
    assert rows.modes(evaluation()) == (Mode("0", 0.5, 0.25), Mode("1", 0.5, 0.75))
    assert rows.modes(evaluation(histogram=None)) == ()


@pytest.mark.parametrize("zero_is_boundary", [True, False])
def test_accuracies_of_a_critic_are_not_drawn_though_an_old_log_has_them(zero_is_boundary: bool) -> None:
    lines = [{**line, "real_accuracy": 0.5, "fake_accuracy": 0.5} for line in LINES]
    titles = [chart.title for chart in curves.training_charts(lines, zero_is_boundary=zero_is_boundary)]
    assert ("Discriminator accuracy" in titles) == zero_is_boundary
    assert "Losses" in titles


def test_every_regulariser_has_a_chart_of_its_own() -> None:
    lines = [{"step": 1, **dict.fromkeys(REGULARISERS, 2.0)}, {"step": 2, "r1": 1.0}]
    charts = curves.training_charts(lines, zero_is_boundary=False)
    assert [chart.title for chart in charts] == [
        "KL regulariser",
        "LeCam regulariser",
        "R1 regulariser",
        "R2 regulariser",
    ]
    assert charts[2].series[0].points == ((1, 2.0), (2, 1.0))
    assert charts[0].y_label == "KL divergence in nats"
    assert charts[1].series[0].points == ((1, 2.0),)


def test_the_strength_of_an_augmentation_is_drawn_where_it_was_logged() -> None:
    lines = [{**line, "augmentation_strength": line["step"] / 10} for line in LINES]
    charts = {chart.title: chart for chart in curves.training_charts(lines, zero_is_boundary=True)}
    chart = charts["Strength of the augmentation"]
    assert chart.series[0].points == ((1, 0.1), (2, 0.2))
    assert (chart.y_label, chart.min_y) == ("probability", 0.0)


def test_training_charts_of_what_was_logged() -> None:
    charts = {chart.title: chart for chart in curves.training_charts(LINES, zero_is_boundary=True)}
    assert list(charts) == ["Losses", "KL regulariser", "Throughput"]
    generator, discriminator = charts["Losses"].series
    assert generator.points == ((1, 0.9), (2, 0.8))
    assert discriminator.points == ((1, 1.2), (2, 1.3))
    assert charts["KL regulariser"].series[0].points == ((1, 0.5),)
    assert charts["Throughput"].y_label == "images per second"
    assert curves.training_charts([], zero_is_boundary=True) == ()


def selected(step: int, **scores: float) -> dict[str, Any]:
    """A selection record: only values."""
    values = {name: {"value": value} for name, value in scores.items()}
    return {"step": step, "label": "fid[digits-cnn:1a2b3c]", "scores": values}


def test_what_the_checkpoint_was_chosen_by_is_drawn_by_step() -> None:
    (chart,) = curves.selection_charts([selected(20, fid=5.0, precision=0.5), selected(10, fid=7.0)])
    (series,) = chart.series
    assert series.points == ((10, 7), (20, 5))
    assert (chart.y_label, chart.min_y) == ("fid[digits-cnn:1a2b3c]", 0.0)


def test_nothing_is_drawn_of_what_nothing_was_chosen_by() -> None:
    assert curves.selection_charts([]) == ()
    assert curves.selection_charts([selected(10, precision=0.5)]) == ()


def test_a_verdict() -> None:
    record = {
        "name": "digits",
        "generator_id": "gen-1",
        "passed": False,
        "reasons": ["fid is 9"],
        "notes": ["nothing is live"],
        "checks": [
            {"name": "largest_pixel_difference", "value": 1.23456e-7, "allowed": "at most 0.001", "passed": True},
            {"name": "evaluation", "value": None, "allowed": "present", "passed": False},
            {"name": "modes_found", "value": 9, "allowed": "at least 10", "passed": False},
        ],
    }
    made = rows.verdict(record, live=True)
    assert (made.passed, made.live, made.reasons, made.notes) == (False, True, ("fid is 9",), ("nothing is live",))
    assert [(check.name, check.value) for check in made.checks] == [
        ("largest pixel difference", "1.235e-07"),
        ("evaluation", "missing"),
        ("modes found", "9"),
    ]


def test_settings_know_what_was_changed() -> None:
    changed = override(Config(), ["train.steps=7", "data.flip=true"])
    made = {each.key: each for each in rows.settings(changed.to_dict(), Config().to_dict())}
    assert made["train.steps"] == Setting("train.steps", "7", str(Config().train.steps))
    assert made["data.flip"] == Setting("data.flip", "true", "false")
    assert made["data.source"] == Setting("data.source", "none")
    assert made["name"].default is None
    assert made["gate.margin.fid"] == Setting("gate.margin.fid", "5%")

    def count(tree: object) -> int:
        return sum(map(count, tree.values())) if isinstance(tree, dict) else 1

    assert len(made) == count(Config().to_dict())


def test_settings_of_several_values() -> None:
    changed = override(Config(), ["gate.limits.coverage=0.5", "gate.margin.recall=null", "evaluate.metrics=fid,kid"])
    made = {each.key: each for each in rows.settings(changed.to_dict(), Config().to_dict())}
    assert made["gate.limits.coverage"] == Setting("gate.limits.coverage", "0.5", "none")
    assert made["gate.margin.recall"] == Setting("gate.margin.recall", "none", "0.05")
    assert made["evaluate.metrics"].value == "fid, kid"
