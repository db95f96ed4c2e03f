"""What operators look at of every step: when it ran, for how long, how it ended, and the scores and verdict it found.

Nothing is told where no push gateway is configured; see `gan.util.metrics_push`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

import yaml

from gan.result import StepResult, Stopwatch
from gan.util.metrics_push import MetricsPush


class StepMetrics:
    """Tells the figures of one step to the push gateway.

    Args:
        step: the step's name.
        experiment: the experiment's name; empty where the step does not know it.
        clock: seconds since 1970.
    """

    def __init__(self, step: str, experiment: str, clock: Callable[[], float] = time.time) -> None:
        self._step = step
        self._telemetry = MetricsPush(step, experiment)
        self._clock = clock
        self._watch = Stopwatch()

    def __enter__(self) -> StepMetrics:
        self._telemetry.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._telemetry.__exit__(kind, error, trace)

    def begin(self) -> None:
        """The step begins."""
        self._telemetry.set("gan_step_began_timestamp_seconds", self._clock())

    def done(self, outcome: StepResult) -> None:
        """The step made something."""
        self._end(0)
        self._telemetry.set("gan_step_skipped", float(outcome.skipped))
        tell = {"evaluate": self._scores, "gate": self._verdict, "promote": self._promotion}.get(self._step)
        if tell is not None:
            tell(outcome)

    def failed(self, exit_code: int) -> None:
        """The step ended with an error, or was stopped."""
        self._end(exit_code)

    def _end(self, exit_code: int) -> None:
        self._telemetry.set("gan_step_ended_timestamp_seconds", self._clock())
        self._telemetry.set("gan_step_duration_seconds", self._watch.seconds())
        self._telemetry.set("gan_step_exit_code", exit_code)

    def _scores(self, outcome: StepResult) -> None:
        for name, score in outcome.details["scores"].items():
            self._telemetry.set("gan_score", score["value"], score=name)
            for end in ("low", "high"):
                if end in score:  # not every score has an interval
                    self._telemetry.set(f"gan_score_{end}", score[end], score=name)
        for name, score in outcome.details["real"].items():
            self._telemetry.set("gan_score_real", score["value"], score=name)

    def _verdict(self, outcome: StepResult) -> None:
        self._telemetry.set("gan_verdict_passed", float(outcome.details["passed"]))

    def _promotion(self, outcome: StepResult) -> None:
        if not outcome.skipped:
            self._telemetry.set("gan_promoted_timestamp_seconds", self._clock())


def experiment_of(config: str) -> str:
    """The name in a config, which may be wrong in any way: whoever reads it next says so."""
    try:
        tree = yaml.safe_load(config)
    except yaml.YAMLError:
        return ""
    return str(tree.get("name") or "") if isinstance(tree, dict) else ""
