"""What every step reports to operators: when it ran, for how long, how it ended, and the scores or verdict it found.

Nothing is sent where no push gateway is configured; see `gan.util.metrics_push`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import yaml

from gan.result import StepResult, Stopwatch
from gan.util.metrics_push import MetricsPush

Gauge = tuple[str, float, dict[str, str]]
"""A metric of `gan.util.metrics_push.METRICS`, its value and its labels."""
Gauges = Callable[[StepResult, float], Iterator[Gauge]]
"""The gauges of a step, from its result and the time in seconds since 1970."""


def no_gauges(result: StepResult, now: float) -> Iterator[Gauge]:
    """None besides those of every step."""
    yield from ()


def score_gauges(result: StepResult, now: float) -> Iterator[Gauge]:
    """Each score with the ends of its interval, and that of real images."""
    for name, score in result.details["scores"].items():
        yield "gan_score", score["value"], {"score": name}
        for end in ("low", "high"):
            if end in score:  # not every score has an interval
                yield f"gan_score_{end}", score[end], {"score": name}
    for name, score in result.details["real"].items():
        yield "gan_score_real", score["value"], {"score": name}


def verdict_gauges(result: StepResult, now: float) -> Iterator[Gauge]:
    """Whether the gate passed the generator."""
    yield "gan_verdict_passed", float(result.details["passed"]), {}


def promotion_gauges(result: StepResult, now: float) -> Iterator[Gauge]:
    """When a generator was promoted; nothing where it was live already."""
    if not result.skipped:
        yield "gan_promoted_timestamp_seconds", now, {}


class StepMetrics(MetricsPush):
    """Sends the metrics of one step to the push gateway.

    Args:
        step: the step's name.
        experiment: the experiment's name; empty where the step does not know it.
        gauges: those that are the step's own.
        clock: seconds since 1970.
    """

    def __init__(
        self, step: str, experiment: str, gauges: Gauges = no_gauges, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(step, experiment)
        self._gauges = gauges
        self._clock = clock
        self._watch = Stopwatch()

    def begin(self) -> None:
        """The step begins."""
        self.set("gan_step_began_timestamp_seconds", self._clock())

    def done(self, result: StepResult) -> None:
        """The step made something."""
        self._end(0)
        self.set("gan_step_skipped", float(result.skipped))
        for metric, value, labels in self._gauges(result, self._clock()):
            self.set(metric, value, **labels)

    def failed(self, exit_code: int) -> None:
        """The step ended with an error, or was stopped."""
        self._end(exit_code)

    def _end(self, exit_code: int) -> None:
        self.set("gan_step_ended_timestamp_seconds", self._clock())
        self.set("gan_step_duration_seconds", self._watch.seconds())
        self.set("gan_step_exit_code", exit_code)


def experiment_of(config: str) -> str:
    """The name in a config; empty where it can't be read: the step that reads the config next says what is wrong."""
    try:
        tree = yaml.safe_load(config)
    except yaml.YAMLError:
        return ""
    return str(tree.get("name") or "") if isinstance(tree, dict) else ""
