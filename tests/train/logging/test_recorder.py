from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan.errors import StoreError
from gan.store import LocalStore, Store
from gan.train.logging.metrics_log import read_metrics
from gan.train.logging.recorder import Recorder, forget_after
from gan.util.scratch import scratch_folder

SHEET = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))


def record(store: Store, first: int, last: int, *, publish_every: int) -> None:
    forget_after(store, "r", first - 1)
    with scratch_folder() as folder, Recorder("r", first - 1, folder) as recorder:
        for step in range(first, last + 1):
            recorder.record_metrics(step, {"generator_loss": float(step)})
            if step % 2 == 0:
                recorder.record_samples(step, SHEET)
            if step % publish_every == 0:
                for key, path in recorder.take(step).items():
                    store.upload(key, path)


def scalars(store: LocalStore) -> list[tuple[int, float]]:
    events = EventAccumulator(str(store.root / "runs/r/tensorboard"), size_guidance={"tensors": 0}).Reload()
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors("generator_loss")]


def test_metrics_and_sheets_are_there_after_publishing(store: LocalStore) -> None:
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


def test_nothing_recorded_gives_nothing(tmp_path: Path) -> None:
    with Recorder("r", 0, tmp_path) as recorder:
        assert recorder.take(5) == {}


def test_foreign_files_are_left_alone(store: LocalStore) -> None:
    store.write("runs/r/samples/notes.txt", b"mine")
    record(store, 1, 2, publish_every=2)
    assert store.exists("runs/r/samples/notes.txt")


def test_a_local_disk_that_is_full_is_reported(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (2048, 2048), np.uint8))
    with Recorder("r", 0, small_disk) as recorder, pytest.raises(StoreError, match="is full; free some space"):
        recorder.record_samples(1, noise)

    def full(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.summary, "scalar", full)
    with Recorder("r", 0, tmp_path) as recorder, pytest.raises(StoreError, match="No space left on device; free some"):
        recorder.record_metrics(1, {"kl": 1.0})
