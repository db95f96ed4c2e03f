"""Live monitoring of a run: its metrics and those of the GPUs, pushed to a Prometheus gateway."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType

from gan.regularisers import REGULARISERS
from gan.train.logging.gpu import GpuWatch
from gan.train.logging.health_log import VERDICTS
from gan.types import Json
from gan.util.metrics_push import MetricsPush

LOSSES = {
    "generator_loss": "generator",
    "discriminator_loss": "discriminator",
    "gradient_penalty": "gradient_penalty",
    **{name: name for name in REGULARISERS},
}
"""Metrics of the loss, and how the gauge's label calls them."""

GAUGES = ("images_per_second", "data_wait_share", "gpu_share", "gpu_memory_share")


class Monitor:
    """Adds GPU metrics to those of a step, and pushes all of them to the gateway if there is one.

    Args:
        telemetry: pushes metrics.
        gpus: watches the GPUs.
    """

    def __init__(self, telemetry: MetricsPush, gpus: GpuWatch) -> None:
        self._telemetry = telemetry
        self._gpus = gpus
        self._entered = ExitStack()

    def __enter__(self) -> Monitor:
        with ExitStack() as stack:
            stack.enter_context(self._telemetry)
            stack.enter_context(self._gpus)
            self._entered = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.close()

    def push_health(self, check: Json) -> None:
        """Push the verdicts of a check: 1 for each that it found, 0 for the others."""
        found = {each["verdict"] for each in check["findings"]}
        for verdict in VERDICTS:
            self._telemetry.set("gan_train_unhealthy", float(verdict in found), verdict=verdict)

    def push_rollbacks(self, number: int) -> None:
        """Push how often the run returned to a healthy checkpoint."""
        self._telemetry.set("gan_train_rollbacks", number)

    def push(self, step: int, metrics: Mapping[str, float]) -> dict[str, float]:
        """Push the metrics of a training step, with those of the GPUs if there are any; returns all of them."""
        complete = {**metrics, **self._gpus.shares()}
        self._telemetry.set("gan_train_step", step)
        for name in GAUGES:
            if name in complete:
                self._telemetry.set(f"gan_train_{name}", complete[name])
        for name, term in LOSSES.items():
            if name in complete:
                self._telemetry.set("gan_train_loss", complete[name], term=term)
        return complete
