"""What steps report to operators besides times and exit codes: scores, the verdict, the time of a promotion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gan.result import StepResult

Gauge = tuple[str, float, dict[str, str]]
"""A metric of `gan.util.metrics_push.METRICS`, its value and its labels."""
Gauges = Callable[[StepResult, float], Iterator[Gauge]]
"""The gauges of a step, from its result and the time in seconds since 1970."""


def none(result: StepResult, now: float) -> Iterator[Gauge]:
    """None besides those of every step."""
    yield from ()


def scores(result: StepResult, now: float) -> Iterator[Gauge]:
    """Each score with the ends of its interval, and that of real images."""
    for name, score in result.details["scores"].items():
        yield "gan_score", score["value"], {"score": name}
        for end in ("low", "high"):
            if end in score:  # not every score has an interval
                yield f"gan_score_{end}", score[end], {"score": name}
    for name, score in result.details["real"].items():
        yield "gan_score_real", score["value"], {"score": name}


def verdict(result: StepResult, now: float) -> Iterator[Gauge]:
    """Whether the gate passed the generator."""
    yield "gan_verdict_passed", float(result.details["passed"]), {}


def promotion(result: StepResult, now: float) -> Iterator[Gauge]:
    """When a generator was promoted; nothing where it was live already."""
    if not result.skipped:
        yield "gan_promoted_timestamp_seconds", now, {}
