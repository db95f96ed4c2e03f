from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.config.schema import Train
from gan.errors import FencedError, StoreError, UnavailableError
from gan.store import LocalStore, Store
from gan.train.checkpoint.async_checkpointer import AsyncCheckpointer
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.checkpoint.writer import CheckpointWriter
from gan.train.stop_signals import StopRequest

LONG = 60.0  # seconds: a test that waits this long hangs, and fails


class FlakyStore(LocalStore):
    """A folder behind a line that can be cut (`down`), or whose uploads of some keys hang (`stall`)."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.down = False
        self.asked = threading.Semaphore(0)
        self.stalled: str | None = None
        self.stalling = threading.Event()
        self.released = threading.Event()

    def _ask(self) -> None:
        if self.down:
            self.asked.release()
            raise UnavailableError("no answer")

    def wait_until_asked_again(self) -> None:
        """Until a whole try, begun after this call, has failed."""
        while self.asked.acquire(blocking=False):
            pass
        for _ in range(3):
            assert self.asked.acquire(timeout=LONG)

    def read_versioned(self, key: str) -> Any:
        self._ask()
        return super().read_versioned(key)

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self._ask()
        super().write(key, data, if_absent=if_absent)

    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        self._ask()
        if self.stalled is not None and self.stalled in key:
            self.stalling.set()
            self.released.wait(LONG)
        super().upload(key, path, if_absent=if_absent)


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[FlakyStore]:
    store = FlakyStore(tmp_path / "store")
    yield store
    store.released.set()


@contextmanager
def checkpointing(store: Store, *, keep: int = 2, timeout: float = LONG) -> Iterator[AsyncCheckpointer]:
    writer = CheckpointWriter(store, "r", take_over(store, "r"), Train(keep_checkpoints=keep), done=0)
    with AsyncCheckpointer(writer, max_pending=keep, timeout_seconds=timeout, pause_seconds=0.001) as checkpointer:
        yield checkpointer


def pending_checkpoint(checkpointer: AsyncCheckpointer, step: int) -> PendingCheckpoint:
    path = checkpointer.folder / f"{step}.jsonl"
    path.write_text(f"metrics up to {step}")
    tensors = {"ema/0000": np.full(3, step, np.float32)}
    return PendingCheckpoint(step, {f"runs/r/metrics/{step:08d}.jsonl": path}, tensors, {"on_schedule": True})


def metric_chunks(store: Store) -> list[int]:
    return [int(Path(item.key).stem) for item in store.list("runs/r/metrics")]


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_checkpoints_are_published_in_order_and_pruned(store: Store) -> None:
    with checkpointing(store) as checkpointer:
        for step in (10, 20, 30):
            checkpointer.put(pending_checkpoint(checkpointer, step))
            checkpointer.check()
        checkpointer.drain(StopRequest())
        assert checkpointer.empty
        assert checkpointer.saved == 30
        assert not list(checkpointer.folder.iterdir()), "what is published lies about no longer"
    assert not checkpointer.folder.exists()
    assert metric_chunks(store) == [10, 20, 30]
    assert Checkpoints(store, "r").steps() == [20, 30]
    assert Checkpoints(store, "r").load(30)[0]["ema/0000"].tolist() == [30, 30, 30]


def test_parcels_of_figures_alone_are_published_too(store: Store) -> None:
    with checkpointing(store) as checkpointer:
        path = checkpointer.folder / "chunk"
        path.write_text("metrics")
        checkpointer.put(PendingCheckpoint(5, {"runs/r/metrics/00000005.jsonl": path}))
        checkpointer.drain(StopRequest())
        assert checkpointer.saved == 0
    assert metric_chunks(store) == [5]


def test_a_store_that_is_down_does_not_block_training_and_the_oldest_checkpoint_is_dropped(
    flaky: FlakyStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with checkpointing(flaky, keep=2) as checkpointer:
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        checkpointer.drain(StopRequest())
        flaky.down = True
        for step in (20, 30, 40, 50):
            checkpointer.put(pending_checkpoint(checkpointer, step))
            checkpointer.check()
        flaky.wait_until_asked_again()
        flaky.down = False
        checkpointer.drain(StopRequest())
        assert Checkpoints(flaky, "r").steps() == [40, 50]
    assert metric_chunks(flaky) == [10, 20, 30, 40, 50], "metrics are never dropped"
    events = [each["event"] for each in log_lines(capsys)]
    gone = sorted(each for each in events if "dropped" in each)
    assert [each.split(":")[1] for each in gone] == [" checkpoint 20 is dropped", " checkpoint 30 is dropped"]
    assert events.count("warning: the store does not answer; training continues") == 1, "at most one warning a minute"
    assert events.count("the store answers again") == 1
    assert events.count("checkpoint saved") == 3, "the first, and the two that waited"


def test_pending_checkpoints_wait_on_the_disk(flaky: FlakyStore) -> None:
    with checkpointing(flaky, keep=5) as checkpointer:
        flaky.down = True
        for step in (10, 20):
            checkpointer.put(pending_checkpoint(checkpointer, step))
        flaky.wait_until_asked_again()
        assert {path.name for path in checkpointer.folder.iterdir()} >= {"00000010.safetensors", "00000020.safetensors"}


def test_after_training_the_wait_times_out_and_the_message_says_what_is_not_saved(flaky: FlakyStore) -> None:
    with checkpointing(flaky, timeout=0) as checkpointer:
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        checkpointer.drain(StopRequest())
        flaky.down = True
        for step in (20, 30):
            checkpointer.put(pending_checkpoint(checkpointer, step))
        with pytest.raises(UnavailableError, match=r"checkpoint saved: 10; checkpoints not saved: 20, 30;.*no answer"):
            checkpointer.drain(StopRequest())
    flaky.down = False
    assert Checkpoints(flaky, "r").steps() == [10]


def test_a_permanent_error_is_raised_on_the_training_thread(store: LocalStore) -> None:
    class Forbidden(LocalStore):
        def upload(self, key: str, path: Path, *, if_absent: bool = False) -> None:
            raise StoreError("403: give the service account the role storage.objectAdmin")

    with checkpointing(Forbidden(store.root)) as checkpointer:
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        for act in (lambda: checkpointer.drain(StopRequest()), checkpointer.check):
            with pytest.raises(StoreError, match="403"):
                act()


def test_a_fenced_attempt_publishes_nothing_more(store: Store) -> None:
    with checkpointing(store) as checkpointer:
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        checkpointer.drain(StopRequest())
        newer = take_over(store, "r")
        newer.record_resume_step(10)
        before = {item.key: item.modified for item in store.list()}
        checkpointer.put(pending_checkpoint(checkpointer, 20))
        with pytest.raises(FencedError, match="attempt 2 took over"):
            checkpointer.drain(StopRequest())
        assert {item.key: item.modified for item in store.list()} == before


def test_a_stop_saves_the_last_step_first_while_another_upload_hangs(
    flaky: FlakyStore, capsys: pytest.CaptureFixture[str]
) -> None:
    flaky.stalled = "00000010-1"
    now = [0.0]
    stop = StopRequest(25, clock=lambda: now[0])
    with checkpointing(flaky, keep=5) as checkpointer:
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        assert flaky.stalling.wait(LONG)
        for step in (20, 30):
            checkpointer.put(pending_checkpoint(checkpointer, step))
        stop.ask(15)
        seen: list[list[int]] = []

        def watch() -> None:
            """Ends the grace as soon as all is published that can be."""
            while (steps := Checkpoints(flaky, "r").steps()) != [20, 30] or metric_chunks(flaky) != [10, 20, 30]:
                seen.append(steps)
            now[0] = 26.0

        watcher = threading.Thread(target=watch)
        watcher.start()
        checkpointer.drain(stop)
        watcher.join()
        assert checkpointer.saved == 30
        assert not checkpointer.empty, "one upload hangs still"
        assert [20] not in seen, "30 came first"
    last = log_lines(capsys)[-1]
    assert last["event"] == "warning: the grace period is over"
    assert (last["last_checkpoint_saved"], last["checkpoints_not_saved"]) == ("30", "10")


def test_a_stop_while_the_store_is_down_ends_with_the_grace(flaky: FlakyStore) -> None:
    now = [0.0]
    stop = StopRequest(25, clock=lambda: now[0])
    with checkpointing(flaky) as checkpointer:
        flaky.down = True
        checkpointer.put(pending_checkpoint(checkpointer, 10))
        stop.ask(15)
        assert flaky.asked.acquire(timeout=LONG)
        now[0] = 25.0
        checkpointer.drain(stop)
        assert checkpointer.saved == 0
        assert not checkpointer.empty
