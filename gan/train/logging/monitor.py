"""What operators look at while a run trains: the figures of its steps beside how busy the GPUs are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType

from gan.train.logging.gpu import GpuWatch
from gan.util.metrics_push import MetricsPush

LOSSES = {
    "generator_loss": "generator",
    "discriminator_loss": "discriminator",
    "gradient_penalty": "gradient_penalty",
    "kl": "kl",
}
GAUGES = ("images_per_second", "data_wait_share", "gpu_share", "gpu_memory_share")


class Monitor:
    """Completes figures by those of the GPUs, and tells all of them to the push gateway where there is one.

    Args:
        telemetry: what pushes.
        gpus: what watches the GPUs.
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

    def complete(self, step: int, figures: Mapping[str, float]) -> dict[str, float]:
        """The figures of a training step with those of the GPUs, if there are any."""
        whole = {**figures, **self._gpus.shares()}
        self._telemetry.set("gan_train_step", step)
        for name in GAUGES:
            if name in whole:
                self._telemetry.set(f"gan_train_{name}", whole[name])
        for name, term in LOSSES.items():
            if name in whole:
                self._telemetry.set("gan_train_loss", whole[name], term=term)
        return whole
