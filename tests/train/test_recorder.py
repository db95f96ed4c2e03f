from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan.errors import StoreError
from gan.store import LocalStore, Store
from gan.train.metrics_log import read_metrics
from gan.train.recorder import Recorder

SHEET = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))


def record(store: Store, first: int, last: int, *, publish_every: int) -> None:
    with Recorder(store, "r", first - 1) as recorder:
        for step in range(first, last + 1):
            recorder.figures(step, {"generator_loss": float(step)})
            if step % 2 == 0:
                recorder.samples(step, SHEET)
            if step % publish_every == 0:
                recorder.publish(step)


def scalars(store: LocalStore) -> list[tuple[int, float]]:
    events = EventAccumulator(str(store.root / "runs/r/tensorboard"), size_guidance={"tensors": 0}).Reload()
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors("generator_loss")]


def test_figures_and_sheets_are_there_after_publishing(store: LocalStore) -> None:
    record(store, 1, 6, publish_every=3)
    assert [line["step"] for line in read_metrics(store, "r")] == [1, 2, 3, 4, 5, 6]
    assert scalars(store) == [(step, float(step)) for step in range(1, 7)]
    assert [item.key for item in store.list("runs/r/tensorboard")] == [
        "runs/r/tensorboard/events.out.tfevents.00000001",
        "runs/r/tensorboard/events.out.tfevents.00000004",
    ]
    picture = Image.open(io.BytesIO(store.read("runs/r/samples/00000004.png")))
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(SHEET))


def test_what_was_not_published_is_nowhere(store: LocalStore) -> None:
    record(store, 1, 5, publish_every=3)
    assert [line["step"] for line in read_metrics(store, "r")] == [1, 2, 3]
    assert [step for step, _ in scalars(store)] == [1, 2, 3]


def test_a_resumed_run_shows_no_step_twice(store: LocalStore) -> None:
    record(store, 1, 9, publish_every=3)
    record(store, 4, 12, publish_every=4)
    assert [line["step"] for line in read_metrics(store, "r")] == list(range(1, 13))
    assert [step for step, _ in scalars(store)] == list(range(1, 13))
    steps = [int(Path(item.key).stem) for item in store.list("runs/r/samples")]
    assert steps == [2, 4, 6, 8, 10, 12]


def test_nothing_noted_publishes_nothing(store: LocalStore) -> None:
    with Recorder(store, "r", 0) as recorder:
        recorder.publish(5)
    assert list(store.list()) == []


def test_foreign_files_are_left_alone(store: LocalStore) -> None:
    store.write("runs/r/samples/notes.txt", b"mine")
    record(store, 1, 2, publish_every=2)
    assert store.exists("runs/r/samples/notes.txt")


def test_a_temporary_folder_that_is_full_or_gone_is_told(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(StoreError, match=r"can't write TensorBoard events to .*absent.* set TMPDIR"):
        Recorder(store, "r", 0)
    monkeypatch.undo()

    def full(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.summary, "scalar", full)
    with Recorder(store, "r", 0) as recorder, pytest.raises(StoreError, match="No space left on device; free some"):
        recorder.figures(1, {"kl": 1.0})
