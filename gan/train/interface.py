"""What the training loop needs from its step, its checkpointer and its recorder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.stop_signals import StopRequest
from gan.types import Json, Scalar, Tensor

if TYPE_CHECKING:
    from PIL import Image

Batch = dict[str, Tensor]
"""`images` float32 [N, H, W, C] in [-1, 1] and `labels` int32 [N]."""

Metrics = dict[str, Scalar]

TakeStep = Callable[[int, Sequence[Batch]], Metrics]
"""From a step's number and its batches to its metrics; see `gan.train.step.TrainingStep`."""


class Checkpointer(Protocol):
    """Publishes checkpoints; see `gan.train.checkpoint.async_checkpointer`."""

    @property
    def saved(self) -> int:
        """The last step that was saved, 0 for none."""

    @property
    def empty(self) -> bool:
        """Whether nothing is pending."""

    def check(self) -> None:
        """Raise the error that ended publishing, if there was one."""

    def put(self, pending: PendingCheckpoint) -> None:
        """Hand over a checkpoint; returns at once."""

    def drain(self, stop: StopRequest) -> None:
        """Wait until nothing is pending, or the grace period of a stop is over."""


class MetricsRecorder(Protocol):
    """Records metrics and samples; see `gan.train.logging.recorder`."""

    def record_metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of a step."""

    def record_health(self, check: Json) -> None:
        """Record a check of the run's health."""

    def record_samples(self, step: int, sheet: Image.Image) -> None:
        """Record a sheet of samples."""

    def take(self, step: int) -> dict[str, Path]:
        """The files recorded up to `step`, by their keys in the store."""
