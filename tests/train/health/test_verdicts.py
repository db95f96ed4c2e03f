from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.train.health.verdicts import Check, Rule, judge
from gan.train.logging.health_log import COLLAPSED, DIVERGED, DRIFTING, HEALTHY, SLOW, STALLED, VERDICTS, summary, worst

USUAL = {
    "image_spread": 0.5,
    "feature_spread": 0.6,
    "real_spread": 0.75,
    "real_feature_spread": 0.1,
    "real_level": -0.4,
    "logit_gap": 20.0,
    "logit_size": 0.5,
    "generator_update": 1e-3,
    "discriminator_update": 1e-3,
    "gradient_ratio": 0.5,
    "critic_loss": -0.8,
    "relative_throughput": 1.0,
}
HISTORY = [USUAL] * 5

ILL = {
    "image_spread": (0.001, COLLAPSED),
    "feature_spread": (0.0, COLLAPSED),
    "real_spread": (0.4, DRIFTING),
    "real_feature_spread": (0.0, STALLED),
    "real_level": (0.0, DRIFTING),
    "logit_gap": (-12.0, DIVERGED),
    "logit_size": (20.0, DIVERGED),
    "generator_update": (0.0, STALLED),
    "discriminator_update": (0.2, DIVERGED),
    "gradient_ratio": (30.0, DRIFTING),
    "critic_loss": (2.0, DIVERGED),
    "relative_throughput": (0.2, SLOW),
}


def test_the_usual_is_healthy() -> None:
    assert judge(USUAL, HISTORY) == ()
    assert Check(1, (), USUAL).verdict == HEALTHY


@pytest.mark.parametrize("signal", ILL)
def test_each_signal_has_its_verdict(signal: str) -> None:
    value, verdict = ILL[signal]
    made = Check(7, judge({**USUAL, signal: value}, HISTORY), {**USUAL, signal: value})
    assert made.verdict == verdict
    assert any(finding.signal.startswith(signal) and str(finding.threshold) for finding in made.findings)
    assert made.ill == (verdict in (DIVERGED, COLLAPSED, STALLED))


def test_a_gap_that_was_large_may_not_turn_round() -> None:
    (finding,) = judge({**USUAL, "logit_gap": -0.1}, HISTORY)
    assert str(finding) == "logit_gap is -0.1, while it is usually 20, below 0"
    assert judge({**USUAL, "logit_gap": -0.1}, [{**USUAL, "logit_gap": 3.0}] * 5) == ()


def test_what_is_not_finite_is_diverged_and_can_be_written() -> None:
    signals = {**USUAL, "logit_size": math.nan}
    made = Check(7, judge(signals, HISTORY), signals)
    assert (made.verdict, made.reason) == (DIVERGED, "not finite: logit_size")
    assert "logit_size" not in json.loads(json.dumps(made.to_json(), allow_nan=False))["signals"]


def test_relative_rules_need_three_healthy_checks() -> None:
    rule = Rule(DRIFTING, "real_spread", low=0.7, relative=True)
    assert rule.findings({"real_spread": 0.1}, HISTORY[:2]) == []
    (finding,) = rule.findings({"real_spread": 0.3}, HISTORY[:3])
    assert finding.value == pytest.approx(0.4)
    assert str(finding) == "real_spread relative to the run's own is 0.4, below 0.7"


def test_a_signal_that_was_not_measured_breaks_no_rule() -> None:
    assert judge({}, HISTORY) == ()
    assert judge(USUAL, []) == ()


@given(st.lists(st.sampled_from([*VERDICTS, HEALTHY])))
def test_the_worst_verdict_is_one_of_them(verdicts: list[str]) -> None:
    found = worst(verdicts)
    assert found in [*verdicts, HEALTHY]
    assert all(
        found == HEALTHY or VERDICTS.index(found) <= VERDICTS.index(each) for each in verdicts if each != HEALTHY
    )


def test_the_summary_counts_checks_and_names_each_verdict_once() -> None:
    checks = [Check(step, (), USUAL).to_json() for step in (1, 2)]
    for step in (3, 4, 5):
        checks.append(Check(step, judge({**USUAL, "image_spread": 0.001}, HISTORY), USUAL).to_json())
    made = summary(checks)
    assert (made["verdict"], made["checks"], made["unhealthy_checks"]) == (COLLAPSED, 5, 3)
    assert made["problems"] == ["collapsed at step 3 and at 2 more checks: image_spread is 0.001, below 0.02"]
    assert summary([]) == {"verdict": HEALTHY, "checks": 0, "unhealthy_checks": 0, "problems": []}
