"""From the signals of a check, and those of earlier healthy ones, to a verdict. Pure.

    diverged     a value is not finite, weights or logits explode, or the discriminator learns the wrong way round
    collapsed    the generator draws (almost) the same image from every latent
    stalled      a network no longer learns, or the discriminator no longer tells images apart
    drifting     the training images, or the balance of the networks, are no longer what they were
    slow         far fewer images per second than before

Each rule has the range measured in 20 healthy runs and the values in ill ones: narrow networks on the digits, five
losses, by `benchmarks/health.py`; docs/health.md has the table.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gan.train.logging.health_log import COLLAPSED, DIVERGED, DRIFTING, SLOW, STALLED, worst
from gan.types import Json

NON_FINITE = "non_finite"
MIN_HISTORY = 3
"""How many healthy checks a relative rule needs."""

Signals = Mapping[str, float]


@dataclass(frozen=True)
class Finding:
    """One reason for a verdict: a signal with its value, and the threshold that it is `side` (above or below) of.

    `reason` says it in a sentence; by default it is made of the others.
    """

    verdict: str
    signal: str
    value: float
    threshold: float
    side: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return self.reason or f"{self.signal} is {self.value:.3g}, {self.side} {self.threshold:.3g}"

    def to_json(self) -> Json:
        """JSON types."""
        return {**dataclasses.asdict(self), "reason": str(self)}


@dataclass(frozen=True)
class Check:
    """What a check after step `step` found; `signals` are all that it measured."""

    step: int
    findings: tuple[Finding, ...]
    signals: Signals

    @property
    def verdict(self) -> str:
        """The worst verdict of the findings; healthy if there is none."""
        return worst([each.verdict for each in self.findings])

    @property
    def ill(self) -> bool:
        """Whether a run with `health.policy=roll_back` returns to a healthy checkpoint."""
        return self.verdict in (DIVERGED, COLLAPSED, STALLED)

    @property
    def reason(self) -> str:
        """The findings in a sentence."""
        return "; ".join(map(str, self.findings))

    def to_json(self) -> Json:
        """JSON types, for the history of the run."""
        return {
            "step": self.step,
            "verdict": self.verdict,
            "findings": [each.to_json() for each in self.findings],
            "signals": {name: float(f"{value:.6g}") for name, value in self.signals.items() if math.isfinite(value)},
        }


@dataclass(frozen=True)
class Rule:
    """A signal must not be below `low` nor above `high`; if `relative`, relative to its median in healthy checks."""

    verdict: str
    signal: str
    low: float = -math.inf
    high: float = math.inf
    relative: bool = False

    def findings(self, signals: Signals, history: Sequence[Signals]) -> list[Finding]:
        """The finding, if the rule is broken; a signal that was not measured breaks none."""
        value = signals.get(self.signal)
        if value is None:
            return []
        name = self.signal
        if self.relative:
            usual = median(name, history)
            if not usual:
                return []
            name, value = f"{name} relative to the run's own", value / usual
        if value < self.low:
            return [Finding(self.verdict, name, value, self.low, "below")]
        return [Finding(self.verdict, name, value, self.high, "above")] if value > self.high else []


@dataclass(frozen=True)
class Reversal:
    """A signal that is usually beyond `usual` must not turn round, past `now`; where `now` is, is the bad side."""

    verdict: str
    signal: str
    usual: float
    now: float

    def findings(self, signals: Signals, history: Sequence[Signals]) -> list[Finding]:
        """The finding, if the signal turned round."""
        value, usual = signals.get(self.signal), median(self.signal, history)
        up = self.usual > self.now
        if value is None or usual is None or (usual < self.usual if up else usual > self.usual):
            return []
        if not (value < self.now if up else value > self.now):
            return []
        side = f"while it is usually {usual:.3g}, {'below' if up else 'above'}"
        return [Finding(self.verdict, self.signal, value, self.now, side)]


@dataclass(frozen=True)
class Shift:
    """A signal must not move further from its median in healthy checks than `most` times the value of `unit`."""

    verdict: str
    signal: str
    unit: str
    most: float

    def findings(self, signals: Signals, history: Sequence[Signals]) -> list[Finding]:
        """The finding, if it did."""
        usual = median(self.signal, history)
        if usual is None or self.signal not in signals or not signals.get(self.unit):
            return []
        shift = abs(signals[self.signal] - usual) / signals[self.unit]
        return [Finding(self.verdict, f"{self.signal}_shift", shift, self.most, "above")] if shift > self.most else []


RULES: tuple[Rule | Reversal | Shift, ...] = (
    # 0.54 to 3.5 times the usual in healthy runs, 17 to 90 times with 100 times the learning rate
    Rule(DIVERGED, "generator_update", high=8.0, relative=True),
    Rule(DIVERGED, "discriminator_update", high=8.0, relative=True),
    # at most 5.2 times the usual in healthy runs; 22 and more where a critic explodes or saturates
    Rule(DIVERGED, "logit_size", high=12.0, relative=True),
    # 2.9 to 58 in the first 400 steps, down to -3.8 in 1,600 steps of hinge, where both networks are in balance;
    # flipped labels: -1.6 to -6.8 at the next check where it was 24 to 30 before, -25 and less at the one after
    Rule(DIVERGED, "logit_gap", low=-8.0),
    Reversal(DIVERGED, "logit_gap", usual=15.0, now=0.0),
    # -1.9 to 1.0 in healthy runs, positive only at the start; flipped labels: from -1.2 and -0.8 to 0.7 and 0.8
    Reversal(DIVERGED, "critic_loss", usual=-0.5, now=0.5),
    # 0.078 (random weights) to 0.66 in healthy runs; 0 from a constant generator
    Rule(COLLAPSED, "image_spread", low=0.02),
    Rule(COLLAPSED, "feature_spread", low=0.01),
    # 0.92 times the usual and more in healthy runs
    Rule(COLLAPSED, "image_spread", low=0.25, relative=True),
    # 1.4e-5 and more in healthy runs; 7e-10 or 0 if gradients are zero or weights frozen
    Rule(STALLED, "generator_update", low=1e-8),
    Rule(STALLED, "discriminator_update", low=1e-8),
    Rule(STALLED, "real_feature_spread", low=1e-6),
    # 0.95 to 1.05 times the usual in healthy runs; 0.53 for images of one class
    Rule(DRIFTING, "real_spread", low=0.7, high=1.4, relative=True),
    # at most 0.06 in healthy runs; 0.5 for noise
    Shift(DRIFTING, "real_level", unit="real_spread", most=0.3),
    # 0.68 to 3.2 times the usual in healthy runs; 13 and more from a constant generator
    Rule(DRIFTING, "gradient_ratio", low=0.04, high=25.0, relative=True),
    # 1 with simulated time; 0.17 if each step waits five times as long as it takes
    Rule(SLOW, "relative_throughput", low=0.5),
)

SIGNALS_TO_COMPARE = frozenset(
    rule.signal for rule in RULES if isinstance(rule, Reversal | Shift) or (isinstance(rule, Rule) and rule.relative)
)
"""The signals that later checks are compared with."""


def judge(signals: Signals, history: Sequence[Signals]) -> tuple[Finding, ...]:
    """What is wrong, the worst first.

    Args:
        signals: see `gan.train.health.probe.Probe.measure` and `gan.train.health.sentinel`.
        history: those of earlier checks that found the run healthy.
    """
    bad = [name for name, value in signals.items() if not math.isfinite(value)]
    if bad:
        return (Finding(DIVERGED, NON_FINITE, 1.0, 0.0, reason=f"not finite: {', '.join(bad)}"),)
    return tuple(finding for rule in RULES for finding in rule.findings(signals, history))


def median(name: str, history: Sequence[Signals]) -> float | None:
    """The median of a signal over earlier checks; None if too few have it."""
    values = [each[name] for each in history if name in each]
    return statistics.median(values) if len(values) >= MIN_HISTORY else None
