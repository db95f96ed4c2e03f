"""What several workers that train one run agree on: where to go on from, and at which step to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.distributed.replicas import Replicas
from gan.train.stop_signals import StopRequest
from gan.types import Scalar, Tensor

if TYPE_CHECKING:
    from PIL import Image

    from gan.train.loop import Batch, TakeStep


class CoordinatedStop:
    """A `TakeStep` that has all workers stop after the same step, when a signal came to any of them.

    Each step, every worker tells which signal it got. The answer is looked at a step later, like the sentinel's flags,
    so that no device waits for it; all workers read the same at the same step.
    """

    def __init__(self, take_step: TakeStep, replicas: Replicas, stop: StopRequest) -> None:
        self._take_step = take_step
        self._replicas = replicas
        self._stop = stop
        self._told: Tensor | None = None
        stop.held = True

    def __call__(self, step: int, batches: Sequence[Batch]) -> dict[str, Scalar]:
        """Take a step; see `gan.train.step.TrainingStep`."""
        metrics = self._take_step(step, batches)
        told, self._told = self._told, self._replicas.most(self._stop.signal_number or 0)
        if told is not None and (number := int(told)):
            self._stop.ask(number)
            self._stop.held = False
        return metrics


class NullCheckpointer:
    """What a worker that publishes nothing has for an outbox and a recorder. `saved` is the last step handed over."""

    def __init__(self, done: int) -> None:
        self.saved = done
        self.empty = True

    def check(self) -> None:
        """Nothing can have gone wrong."""

    def put(self, parcel: PendingCheckpoint) -> None:
        """Worker 0 publishes the same."""
        self.saved = parcel.step

    def drain(self, stop: StopRequest) -> None:
        """Nothing waits."""

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Worker 0 records the same."""

    def samples(self, step: int, sheet: Image.Image) -> None:
        """Worker 0 records the same."""

    def take(self, step: int) -> dict[str, Path]:
        """Nothing was recorded."""
        return {}
