from __future__ import annotations

import json
from typing import Any

import pytest

from gan.config import Health
from gan.train.health.sentinel import HISTORY, Sentinel, diverged
from gan.train.logging.health_log import COLLAPSED, DIVERGED, SLOW

METRICS = {"discriminator_loss": -1.2, "generator_gradient_norm": 1.0, "discriminator_gradient_norm": 2.0}


class Measured:
    """Signals that a test sets."""

    def __init__(self) -> None:
        self.signals = {"image_spread": 0.5, "logit_size": 0.5, "logit_gap": 5.0}
        self.prepared = 0

    def before_step(self) -> None:
        self.prepared += 1

    def measure(self, batch: Any) -> dict[str, float]:
        return dict(self.signals)


def sentinel(probe: Measured, state: Any = None, **options: Any) -> Sentinel:
    return Sentinel(Health(**options), probe, critic=True, state=state)


def test_checks_are_due_at_multiples() -> None:
    probe = Measured()
    watching = sentinel(probe, every_steps=3)
    assert [step for step in range(1, 10) if watching.due(step)] == [3, 6, 9]
    for step in range(1, 7):
        watching.before_step(step)
    assert probe.prepared == 2
    assert not sentinel(probe, every_steps=None).due(3)


def test_a_warning_names_signal_value_and_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    probe = Measured()
    watching = sentinel(probe)
    assert watching.check(50, METRICS, {}, 64, 1.0).findings == ()
    assert watching.last_healthy == 50
    probe.signals["image_spread"] = 0.001
    made = watching.check(100, METRICS, {}, 128, 2.0)
    assert made.verdict == COLLAPSED
    assert watching.last_healthy == 50
    assert "image_spread is 0.001, below 0.02" in capsys.readouterr().err


def test_a_resumed_sentinel_has_the_same_verdicts() -> None:
    probe = Measured()
    watching = sentinel(probe)
    assert watching.state() == {}
    for step in range(HISTORY + 5):
        probe.signals["logit_size"] = 0.5 + step / 7
        watching.check(step, METRICS, {}, step, float(step))
    resumed = sentinel(probe, json.loads(json.dumps(watching.state())))
    assert resumed.last_healthy == watching.last_healthy
    assert len(watching.state()["history"]) == HISTORY
    probe.signals["logit_size"] = 100.0
    found, again = (each.check(99, METRICS, {}, 0, 0.0) for each in (watching, resumed))
    assert found == again
    assert found.verdict == DIVERGED


def test_throughput_is_relative_to_that_of_earlier_in_the_session() -> None:
    watching = sentinel(Measured())
    seconds = 0.0
    for step in range(1, 6):
        seconds += 1.0
        assert watching.check(step, METRICS, {}, 64 * step, seconds).findings == ()
    slow = watching.check(6, METRICS, {}, 64 * 6, seconds + 4.0)
    assert slow.verdict == SLOW
    assert slow.signals["relative_throughput"] == pytest.approx(0.25)
    assert not slow.ill


def test_a_loss_that_is_not_finite_is_a_check_too() -> None:
    made = diverged(7, "discriminator_loss not finite")
    assert (made.verdict, made.reason) == (DIVERGED, "discriminator_loss not finite")
    assert made.ill
