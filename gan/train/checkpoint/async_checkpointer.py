"""Asynchronous checkpointing: training does not wait for the storage, and continues while it is unavailable.

The training thread puts checkpoints into a queue and a background thread publishes them in order. While the storage is
slow or does not answer, pending checkpoints wait on the local disk, at most `max_pending` of them. Beyond that the
oldest is dropped, and its metrics and samples are published with the next one. Any other error ends training at its
next step.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any

from gan.errors import UnavailableError
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.checkpoint.writer import CheckpointWriter
from gan.train.stop_signals import StopRequest
from gan.util import log
from gan.util.log import Clock
from gan.util.retry import RetryPolicy, equal_jitter
from gan.util.scratch import Scratch, disk_error

MAX_PAUSE_SECONDS = 30.0
WARN_EVERY_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.2


class AsyncCheckpointer:
    """A queue of pending checkpoints and the thread that publishes them; a context manager that owns their folder.

    Args:
        writer: publishes a pending checkpoint.
        max_pending: the largest number of checkpoints that wait.
        timeout_seconds: how long `drain` waits for a storage that does not answer.
        pause_seconds: the shortest pause before the first retry, half the longest; both double with each retry.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        writer: CheckpointWriter,
        *,
        max_pending: int,
        timeout_seconds: float,
        pause_seconds: float = 1.0,
        clock: Clock = time.monotonic,
    ) -> None:
        try:
            self._scratch = Scratch()
        except OSError as error:
            raise disk_error(error) from None
        self.folder = self._scratch.folder
        self._writer = writer
        self._max_pending = max_pending
        self._timeout_seconds = timeout_seconds
        # While training runs, retries have no deadline; afterwards `drain` ends them.
        self._retry = RetryPolicy(math.inf, 2 * pause_seconds, MAX_PAUSE_SECONDS, jitter=equal_jitter)
        self._clock = clock
        self._queue: deque[PendingCheckpoint] = deque()
        self._in_progress: list[PendingCheckpoint] = []
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._unavailable: UnavailableError | None = None
        self._failures = 0
        self._warned_at: float | None = None
        self._published_at = clock()

    def __enter__(self) -> AsyncCheckpointer:
        self._start_thread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Discard what is still pending; a thread that hangs in the storage does not block the exit."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        self._scratch.remove()

    @property
    def saved(self) -> int:
        """The last step whose checkpoint is in the store."""
        return self._writer.saved

    @property
    def empty(self) -> bool:
        """Whether everything that was handed over is published."""
        with self._changed:
            return not self._queue and not self._in_progress

    def check(self) -> None:
        """Raise the error that ended the thread, if there was one. Call it at each step."""
        if self._error is not None:
            raise self._error

    def put(self, pending: PendingCheckpoint) -> None:
        """Hand over a checkpoint; returns at once."""
        with self._changed:
            self._queue.append(pending)
            self._drop_oldest()
            self._changed.notify_all()

    def drain(self, stop: StopRequest) -> None:
        """Wait until everything is published or, once a stop is asked for, until its grace period is over.

        Raises:
            UnavailableError: the storage did not answer for `timeout_seconds`; the message says what is not saved.
            StoreError: the error that ended the thread.
        """
        began, prioritised = self._clock(), False
        while not self.empty:
            self.check()
            if stop and not prioritised:
                self._prioritise_latest()
                prioritised = True
            if stop.seconds_left() <= 0:
                log.warning("the grace period is over", **self._not_saved())
                return
            if self._unavailable and self._clock() - max(began, self._published_at) > self._timeout_seconds:
                raise self._timed_out(self._unavailable)
            with self._changed:
                self._changed.wait(min(POLL_INTERVAL_SECONDS, stop.seconds_left()))
        self.check()

    def _prioritise_latest(self) -> None:
        """Publish the last checkpoint next, in a second thread, since the first may hang in the storage."""
        with self._changed:
            if self._queue:
                latest = self._queue.pop()
                latest.urgent = True
                self._queue.appendleft(latest)
            self._changed.notify_all()
        self._start_thread()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="gan-checkpointer", daemon=True).start()

    def _work(self) -> None:
        while (pending := self._next()) is not None:
            try:
                self._writer.publish(pending, self.folder)
                self._published(pending)
            except UnavailableError as error:
                self._requeue(pending, error)
            except BaseException as error:  # noqa: BLE001 - raised on the training thread
                self._fail(error)
                return

    def _next(self) -> PendingCheckpoint | None:
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            self._in_progress.append(self._queue.popleft())
            return self._in_progress[-1]

    def _published(self, pending: PendingCheckpoint) -> None:
        with self._changed:
            self._in_progress.remove(pending)
            self._published_at = self._clock()
            warned_at, self._warned_at = self._warned_at, None
            self._unavailable, self._failures = None, 0
            self._changed.notify_all()
        if warned_at is not None:
            log.info("the store answers again", saved_step=self.saved, waiting=len(self._queue))

    def _requeue(self, pending: PendingCheckpoint, error: UnavailableError) -> None:
        """Put a checkpoint back, move the queue to the local disk, and pause before the next try."""
        with self._changed:
            self._in_progress.remove(pending)
            self._queue.appendleft(pending)
            self._drop_oldest()
            self._unavailable = error
            self._failures += 1
            now = self._clock()
            if self._warned_at is None or now - self._warned_at >= WARN_EVERY_SECONDS:
                self._warned_at = now
                waiting = sum(each.has_checkpoint for each in self._queue)
                log.warning(
                    "the store does not answer; training continues", waiting_checkpoints=waiting, reason=str(error)
                )
            queued = list(self._queue)
            pause_seconds = self._retry.pause_seconds(self._failures)
        try:
            for each in queued:
                each.spool(self.folder)
        except BaseException as failure:  # noqa: BLE001 - raised on the training thread
            self._fail(failure)
        with self._changed:
            self._changed.wait(pause_seconds)

    def _drop_oldest(self) -> None:
        """Drop the oldest checkpoints beyond `max_pending`; their files move to the next one."""
        while sum(each.has_checkpoint for each in self._queue) > self._max_pending:
            at = next(at for at, each in enumerate(self._queue) if each.has_checkpoint)
            oldest, following = self._queue[at], self._queue[at + 1]
            following.files = {**oldest.files, **following.files}
            oldest.drop_checkpoint()
            del self._queue[at]
            log.warning(
                f"checkpoint {oldest.step} is dropped: {self._max_pending} newer ones wait for the store already "
                "(train.keep_checkpoints); its metrics and samples are kept"
            )

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = error
            self._closed = True
            self._changed.notify_all()

    def _timed_out(self, error: UnavailableError) -> UnavailableError:
        left = "; ".join(f"{what.replace('_', ' ')}: {which}" for what, which in self._not_saved().items())
        return UnavailableError(
            f"the store did not answer for {self._timeout_seconds:.0f} s after training. {left}. Last: {error}"
        )

    def _not_saved(self) -> dict[str, Any]:
        """What is not published, for messages."""
        with self._changed:
            pending = [*self._in_progress, *self._queue]
        steps = sorted(each.step for each in pending if each.has_checkpoint)
        files = sorted(key for each in pending for key in each.files)
        return {
            "last_checkpoint_saved": str(self.saved or "none"),
            "checkpoints_not_saved": ", ".join(map(str, steps)) or "none",
            "files_not_published": ", ".join(files) or "none",
        }
