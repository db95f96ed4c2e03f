"""The metrics and sample sheets of a run for TensorBoard: one event file per checkpoint interval.

TensorFlow writes it to the local disk, and at each checkpoint it is published to `runs/<run_id>/tensorboard/`. A resume
deletes the files that begin after its checkpoint, so no step appears twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from gan.errors import StoreError
from gan.store import layout


class TensorBoard:
    """Writes the events of one checkpoint interval after another below `folder`."""

    def __init__(self, run_id: str, first_step: int, folder: Path) -> None:
        self._run_id = run_id
        self._first_step = first_step
        self._folder = folder
        self._written = folder / "events"
        self._writer: tf.summary.SummaryWriter | None = None

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of a step."""
        with _disk_errors_translated(), self._open().as_default(step=step):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)

    def add_samples(self, step: int, sheet: Image.Image) -> None:
        """Add a sheet of samples."""
        pixels = np.asarray(sheet)
        with _disk_errors_translated(), self._open().as_default(step=step):
            tf.summary.image("samples", pixels.reshape(1, *pixels.shape[:2], -1))

    def take(self, next_step: int) -> dict[str, Path]:
        """The event file by the key it gets in the store, if there is one; the next one begins at `next_step`."""
        key = layout.events_from(self._run_id, self._first_step)
        self._first_step = next_step
        if self._writer is None:
            return {}
        with _disk_errors_translated():
            self.close()
            (path,) = self._written.iterdir()
            return {key: path.rename(self._folder / key.rpartition("/")[2])}

    def close(self) -> None:
        """Close the current event file, if there is one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> tf.summary.SummaryWriter:
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._written))
        return self._writer


@contextmanager
def _disk_errors_translated() -> Iterator[None]:
    """Raise the errors of the local disk as StoreError."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise StoreError(
            f"can't write TensorBoard events to the temporary folder: {' '.join(str(error).split())}; free some space, "
            "or set TMPDIR to a writable folder with more, and run the same command again"
        ) from None
