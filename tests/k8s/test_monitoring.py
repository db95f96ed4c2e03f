"""Dashboard and alerts speak of metrics that steps really push."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from gan.errors import ConfigError, DivergedError, RefusedError
from gan.util.metrics_push import JOB, METRICS

FOLDER = Path(__file__).resolve().parents[2] / "k8s" / "components" / "monitoring"
NAMES = re.compile(r"\bgan_[a-z_]+\b")


def expressions_of_dashboard() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def alerts() -> dict[str, str]:
    (group,) = yaml.safe_load((FOLDER / "rules.yaml").read_text())["spec"]["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def test_dashboard_and_alerts_name_only_metrics_that_there_are() -> None:
    named = {name for text in [*expressions_of_dashboard(), *alerts().values()] for name in NAMES.findall(text)}
    assert named - set(METRICS) == set()


def test_the_dashboard_shows_every_figure() -> None:
    shown = {name for text in expressions_of_dashboard() for name in NAMES.findall(text)}
    assert set(METRICS) - shown <= {"gan_step_began_timestamp_seconds", "gan_step_ended_timestamp_seconds"}
    assert all(f'job="{JOB}"' in text for text in expressions_of_dashboard())


def test_a_refusal_wakes_nobody_and_a_divergence_does() -> None:
    assert f"== {RefusedError.exit_code}" in alerts()["GanStepFailed"]
    assert f"== {DivergedError.exit_code}" in alerts()["GanTrainingDiverged"]
    assert f"== {ConfigError.exit_code}" not in alerts()["GanStepFailed"]


def test_alternatives_after_unless_stand_in_brackets() -> None:
    """PromQL binds `unless` and `and` closer than `or`: without brackets the last alternatives would be alerts."""
    for expression in alerts().values():
        flat = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", expression))
        assert not re.search(r"\b(unless|and)\b.*\bor\b", flat), expression
