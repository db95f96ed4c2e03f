"""What a step reports to operators: when it ran, for how long, how it ended, and its own gauges.

Nothing is sent where no push gateway is configured; see `gan.util.metrics_push`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import yaml

from components import gauges as step_gauges
from components.gauges import Gauges
from gan.result import StepResult, Stopwatch
from gan.util.metrics_push import MetricsPush


class StepMetrics(MetricsPush):
    """Sends the metrics of one step to the push gateway.

    Args:
        step: the step's name.
        experiment: the experiment's name; empty where the step does not know it.
        gauges: those that are the step's own.
        clock: seconds since 1970.
    """

    def __init__(
        self, step: str, experiment: str, gauges: Gauges = step_gauges.none, clock: Callable[[], float] = time.time
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
