"""Checks the health of a run at fixed intervals: measures signals, judges them, and keeps what later checks need."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any, Protocol

import tensorflow as tf

from gan.config import Health
from gan.schedules import first_value, value_at
from gan.schedules.interface import Scheduled
from gan.train.health.verdicts import (
    MIN_HISTORY,
    NON_FINITE,
    SIGNALS_TO_COMPARE,
    Check,
    Finding,
    judge,
)
from gan.train.interface import Batch
from gan.train.logging.health_log import DIVERGED, SLOW
from gan.types import Json
from gan.util import log

HISTORY = 20
"""How many healthy checks the next one is compared with."""

RATE_HISTORY = 50

MIN_RATE = 1e-3
"""While a learning rate is below this share of its first value, small updates are what the schedule asks for."""


class Measures(Protocol):
    """What a check measures; see `gan.train.health.probe.Probe`."""

    def before_step(self) -> None:
        """Prepare for a step that a check follows."""

    def measure(self, batch: Batch) -> dict[str, float]:
        """The signals after it."""


class Sentinel:
    """Checks a run's health.

    All that a verdict depends on is in `state`, but for the throughput, so a resumed run has the verdicts of one that
    was not interrupted. Throughput is compared within a session, since the next one may run on another machine.

    Args:
        options: the group `health`.
        probe: measures the networks.
        critic: whether the discriminator is a critic, whose loss is the mean logit of generated images minus that of
            real ones.
        rates: the learning rate of each network, by name; see MIN_RATE.
        state: from an earlier session's `state`.
    """

    def __init__(
        self,
        options: Health,
        probe: Measures,
        *,
        critic: bool = False,
        rates: Mapping[str, Scheduled] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._every_steps = options.every_steps
        self._probe = probe
        self._critic = critic
        self._rates_of = rates or {}
        self._history: list[dict[str, float]] = [dict(each) for each in (state or {}).get("history", [])]
        self.last_healthy = int((state or {}).get("last_healthy", 0))
        self._rates: list[float] = []
        self._counted = (0, 0.0)

    def due(self, step: int) -> bool:
        """Whether a check follows step `step`."""
        return self._every_steps is not None and step % self._every_steps == 0

    def before_step(self, step: int) -> None:
        """Call it before each step."""
        if self.due(step):
            self._probe.before_step()

    def check(self, step: int, metrics: Mapping[str, float], batch: Batch, images: int, seconds: float) -> Check:
        """Check the health after step `step`, and log a verdict other than healthy.

        Args:
            step: the step.
            metrics: its metrics.
            batch: its last batch.
            images: the real images trained on so far in this session, and
            seconds: the time that took.
        """
        measured = self._probe.measure(batch)
        for name, rate in self._rates_of.items():
            if share_of_first(rate, step) < MIN_RATE:
                measured.pop(f"{name}_update", None)
        signals = {**measured, **self._of_metrics(metrics, measured), **self._throughput(images, seconds)}
        made = Check(step, judge(signals, self._history), signals)
        if all(finding.verdict == SLOW for finding in made.findings):  # which depends on the machine, not on the run
            self.last_healthy = step
        if not made.ill:
            self._remember(signals)
        if made.findings:
            log.warning(f"the training is {made.verdict}", step=step, reason=made.reason)
        return made

    def state(self) -> Json:
        """What the next session needs, in JSON types; empty before the first check."""
        if not self._history:
            return {}
        return {"last_healthy": self.last_healthy, "history": self._history}

    def _remember(self, signals: Mapping[str, float]) -> None:
        kept = {name: signals[name] for name in SIGNALS_TO_COMPARE if name in signals}
        self._history = [*self._history, kept][-HISTORY:]

    def _of_metrics(self, metrics: Mapping[str, float], measured: Mapping[str, float]) -> dict[str, float]:
        """`gradient_ratio`, the generator's gradient norm relative to the discriminator's; and `critic_loss`, a
        critic's loss relative to the size of its logits.
        """
        made = {}
        if metrics["discriminator_gradient_norm"] > 0:
            made["gradient_ratio"] = metrics["generator_gradient_norm"] / metrics["discriminator_gradient_norm"]
        if self._critic and measured["logit_size"] > 0:
            made["critic_loss"] = metrics["discriminator_loss"] / measured["logit_size"]
        return made

    def _throughput(self, images: int, seconds: float) -> dict[str, float]:
        """`relative_throughput`: that since the last check, relative to the median of the earlier ones."""
        if images < self._counted[0]:  # the count begins anew after the first step
            self._counted = (0, 0.0)
        done, spent = images - self._counted[0], seconds - self._counted[1]
        self._counted = (images, seconds)
        if done <= 0 or spent <= 0:
            return {}
        rate = done / spent
        earlier, self._rates = self._rates, [*self._rates, rate][-RATE_HISTORY:]
        return {"relative_throughput": rate / statistics.median(earlier)} if len(earlier) >= MIN_HISTORY else {}


def share_of_first(rate: Scheduled, step: int) -> float:
    """A learning rate at a step relative to its first value; 0 if that is 0."""
    first = first_value(rate)
    return float(value_at(rate)(tf.constant(step, tf.int64))) / first if first else 0.0


def diverged(step: int, reason: str) -> Check:
    """The check of a step whose loss, gradient or weight is not finite."""
    return Check(step, (Finding(DIVERGED, NON_FINITE, 1.0, 0.0, reason=reason),), {})
