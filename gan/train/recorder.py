"""What a run leaves for people to look at: figures, TensorBoard events and sample sheets."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from PIL import Image

from gan.pixels import png
from gan.store import Store, runs
from gan.train.metrics_log import MetricsLog
from gan.train.tensorboard import TensorBoard

FOLDERS = (runs.metrics, runs.samples, runs.tensorboard)


class Recorder:
    """Records steps after `done`, the step of the checkpoint that the session begins from.

    Making one deletes what an earlier session recorded after that step: those steps will be done again.
    """

    def __init__(self, store: Store, run_id: str, done: int) -> None:
        self._store = store
        self._run_id = run_id
        self._forget_after(done)
        self._log = MetricsLog(store, run_id, done + 1)
        self._tensorboard = TensorBoard(store, run_id, done + 1)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tensorboard.__exit__(kind, error, trace)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Note the figures of a step; `publish` shows them to others."""
        self._log.add(step, figures)
        self._tensorboard.add(step, figures)

    def samples(self, step: int, sheet: Image.Image) -> None:
        """Publish a sample sheet."""
        self._store.write(runs.sample_sheet(self._run_id, step), png(sheet))
        self._tensorboard.add_samples(step, sheet)

    def publish(self, step: int) -> None:
        """Publish what was noted up to `step`. Call it at each checkpoint."""
        self._log.publish(step + 1)
        self._tensorboard.publish(step + 1)

    def _forget_after(self, done: int) -> None:
        for folder in FOLDERS:
            for item in list(self._store.list(folder(self._run_id))):
                if _first_step(item.key) > done:
                    self._store.delete(item.key)


def _first_step(key: str) -> int:
    """The number in a file's name: `metrics/00000501.jsonl`, `tensorboard/events.out.tfevents.00000501`."""
    numbers = [part for part in key.rpartition("/")[2].split(".") if part.isdecimal()]
    return int(numbers[0]) if numbers else 0
