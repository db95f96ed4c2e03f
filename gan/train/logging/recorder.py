"""What a run records for people: metrics, TensorBoard events and sample sheets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from PIL import Image

from gan.store import Store, layout
from gan.train.logging.health_log import HealthLog
from gan.train.logging.metrics_log import MetricsLog
from gan.train.logging.monitor import Monitor
from gan.train.logging.tensorboard import TensorBoard
from gan.types import Json
from gan.util.images import png
from gan.util.scratch import disk_error

FOLDERS = (layout.metrics, layout.health, layout.samples, layout.tensorboard)


class Recorder:
    """Records steps on the local disk.

    Args:
        run_id: the run.
        done: the step that the session resumes from; 0 for none.
        folder: where the files are until they are published; must outlive the recorder.
        monitor: adds GPU metrics and pushes them; None for neither.
    """

    def __init__(self, run_id: str, done: int, folder: Path, monitor: Monitor | None = None) -> None:
        self._run_id = run_id
        self._folder = folder
        self._log = MetricsLog(run_id, done + 1)
        self._health = HealthLog(run_id, done + 1)
        self._tensorboard = TensorBoard(run_id, done + 1, folder)
        self._sheets: dict[str, Path] = {}
        self._monitor = monitor

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tensorboard.close()

    def record_metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of a step."""
        if self._monitor is not None:
            metrics = self._monitor.push(step, metrics)
        self._log.add(step, metrics)
        self._tensorboard.add(step, metrics)

    def record_health(self, check: Json) -> None:
        """Record a check of the run's health; see `gan.train.logging.health_log`."""
        if self._monitor is not None:
            self._monitor.push_health(check)
        self._health.add(check)

    def record_samples(self, step: int, sheet: Image.Image) -> None:
        """Record a sheet of samples."""
        key = layout.sample_grid(self._run_id, step)
        self._sheets[key] = self._write(key, png(sheet))
        self._tensorboard.add_samples(step, sheet)

    def take(self, step: int) -> dict[str, Path]:
        """The files recorded up to `step`, by the keys they get in the store. Call it at each checkpoint."""
        data = {**self._log.take(step + 1), **self._health.take(step + 1)}
        chunks = {key: self._write(key, lines) for key, lines in data.items()}
        sheets, self._sheets = self._sheets, {}
        return {**chunks, **self._tensorboard.take(step + 1), **sheets}

    def _write(self, key: str, data: bytes) -> Path:
        path = self._folder / "-".join(key.split("/")[2:])
        try:
            path.write_bytes(data)
        except OSError as error:
            raise disk_error(error) from None
        return path


def forget_after(store: Store, run_id: str, done: int) -> None:
    """Delete what earlier sessions recorded after step `done`: those steps will be done again."""
    for folder in FOLDERS:
        for item in list(store.list(folder(run_id))):
            if _first_step(item.key) > done:
                store.delete(item.key)


def _first_step(key: str) -> int:
    """The number in a file's name: `metrics/00000501.jsonl`, `tensorboard/events.out.tfevents.00000501`."""
    numbers = [part for part in key.rpartition("/")[2].split(".") if part.isdecimal()]
    return int(numbers[0]) if numbers else 0
