"""How the workers of one run stop together, and what those that publish nothing use in place of the chief's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.distributed.replicas import Replicas
from gan.train.interface import Batch, Metrics, TakeStep
from gan.train.stop_signals import StopRequest
from gan.types import Json, Tensor

if TYPE_CHECKING:
    from PIL import Image


class CoordinatedStop:
    """A `TakeStep` after which all workers stop at the same step once any of them gets a signal.

    At each step the workers share the signal they got. The result is read one step later, like the flag of `NanGuard`,
    so that the host never waits for the device; all workers read the same value at the same step.
    """

    def __init__(self, take_step: TakeStep, replicas: Replicas, stop: StopRequest) -> None:
        self._take_step = take_step
        self._replicas = replicas
        self._stop = stop
        self._shared_signal: Tensor | None = None
        stop.deferred = True

    def __call__(self, step: int, batches: Sequence[Batch]) -> Metrics:
        """Take a step; see `gan.train.step.TrainingStep`."""
        metrics = self._take_step(step, batches)
        previous = self._shared_signal
        self._shared_signal = self._replicas.all_reduce_max(self._stop.signal_number or 0)
        if previous is not None and (number := int(previous)):
            self._stop.ask(number)
            self._stop.deferred = False
        return metrics


class NullCheckpointer:
    """No-op checkpointer and recorder for workers other than the chief. `saved` is the last step handed over."""

    def __init__(self, done: int) -> None:
        self.saved = done
        self.empty = True

    def check(self) -> None:
        """Never raises."""

    def put(self, pending: PendingCheckpoint) -> None:
        """Note the step; the chief publishes it."""
        self.saved = pending.step

    def drain(self, stop: StopRequest) -> None:
        """Nothing is pending."""

    def record_metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """The chief records them."""

    def record_health(self, check: Json) -> None:
        """The chief records them."""

    def record_samples(self, step: int, sheet: Image.Image) -> None:
        """The chief records them."""

    def take(self, step: int) -> dict[str, Path]:
        """No files."""
        return {}
