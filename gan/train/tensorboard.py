"""The figures and sample sheets of a run for TensorBoard: one event file a checkpoint interval.

TensorFlow writes into a temporary folder, and the file goes to `runs/<run_id>/tensorboard/` at each checkpoint. A
resume deletes the files that begin after its checkpoint, so no step shows twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import tensorflow as tf
from PIL import Image

from gan.errors import StoreError
from gan.store import Store, runs


class TensorBoard:
    """Writes the events of one checkpoint interval after another; a context manager that owns the temporary folder."""

    def __init__(self, store: Store, run_id: str, first_step: int) -> None:
        self._store = store
        self._run_id = run_id
        self._first_step = first_step
        with _explained():
            self._temporary = tempfile.TemporaryDirectory(prefix="gan-tensorboard-")
        self._writer: tf.summary.SummaryWriter | None = None

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._temporary.cleanup()

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Note the figures of a step."""
        with _explained(), self._open().as_default(step=step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)

    def add_samples(self, step: int, sheet: Image.Image) -> None:
        """Note a sheet of samples."""
        pixels = np.asarray(sheet)
        with _explained(), self._open().as_default(step=step):
            tf.summary.image("samples", pixels.reshape(1, *pixels.shape[:2], -1))

    def publish(self, next_step: int) -> None:
        """Put the event file into the store; the next one begins at `next_step`."""
        with _explained():
            self._close()
        for path in sorted(Path(self._temporary.name).iterdir()):
            self._store.upload(runs.events_from(self._run_id, self._first_step), path)
            path.unlink()
        self._first_step = next_step

    def _open(self) -> tf.summary.SummaryWriter:
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self._temporary.name)
        return self._writer

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what the temporary folder's disk says into an error of ours."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise StoreError(
            f"can't write TensorBoard events to the temporary folder: {' '.join(str(error).split())}; free some space, "
            "or set TMPDIR to a writable folder with more, and run the same command again"
        ) from None
