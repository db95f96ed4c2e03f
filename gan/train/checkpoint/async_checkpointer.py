"""Publishing in the background, so that training waits for no storage and goes on while there is none.

The training thread hands over parcels, one a checkpoint. A thread publishes them in order. While the storage is slow or
does not answer, parcels wait on the local disk, so many at most; beyond that the oldest checkpoint among them is given
up, and its figures and samples go with the next one. Any other error ends training at its next step.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Protocol

from gan.errors import UnavailableError
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.stop_signals import StopRequest
from gan.util.log import Clock, say, warn
from gan.util.scratch import Scratch, disk_error

LONGEST_PAUSE_SECONDS = 30.0
WARN_EVERY_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2


class Publish(Protocol):
    """Publishes a parcel, and goes on where it stopped when it is called again; see `gan.train.checkpoint.writer`."""

    saved: int

    def __call__(self, parcel: PendingCheckpoint, folder: Path) -> None:
        """Publish what of the parcel is not published yet, writing its state into `folder` on the way."""


class AsyncCheckpointer:
    """A queue of parcels and the thread that publishes them; a context manager that owns the folder they wait in.

    Args:
        publish: what the thread does with a parcel.
        most_waiting: so many checkpoints wait at most.
        patience_seconds: for so long `drain` waits for a storage that does not answer.
        pause_seconds: the first pause before it is asked again; each is up to twice as long as the one before.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        publish: Publish,
        *,
        most_waiting: int,
        patience_seconds: float,
        pause_seconds: float = 1.0,
        clock: Clock = time.monotonic,
    ) -> None:
        try:
            self._scratch = Scratch()
        except OSError as error:
            raise disk_error(error) from None
        self.folder = self._scratch.folder
        self._publish = publish
        self._most_waiting = most_waiting
        self._patience_seconds = patience_seconds
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._waiting: deque[PendingCheckpoint] = deque()
        self._sending: list[PendingCheckpoint] = []
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._unavailable: UnavailableError | None = None
        self._failures = 0
        self._warned_at: float | None = None
        self._reached_at = clock()

    def __enter__(self) -> AsyncCheckpointer:
        self._start_thread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what is still waiting; a thread that hangs in the storage is left behind, and holds up no exit."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._scratch.remove()

    @property
    def saved(self) -> int:
        """The last step whose checkpoint is in the store."""
        return self._publish.saved

    @property
    def empty(self) -> bool:
        """Whether everything that was handed over is published."""
        with self._changed:
            return not self._waiting and not self._sending

    def check(self) -> None:
        """Raise what ended the thread, if anything did. Call it at each step."""
        if self._error is not None:
            raise self._error

    def put(self, parcel: PendingCheckpoint) -> None:
        """Hand over a parcel; returns at once."""
        with self._changed:
            self._waiting.append(parcel)
            self._give_up_oldest()
            self._changed.notify_all()

    def drain(self, stop: StopRequest) -> None:
        """Wait until everything is published, or, once a stop is asked for, until its grace is over.

        Raises:
            UnavailableError: the storage did not answer for `patience_seconds`; the message says what is not saved.
            StoreError: what ended the thread.
        """
        began, hurried = self._clock(), False
        while not self.empty:
            self.check()
            if stop and not hurried:
                self._hurry()
                hurried = True
            if stop.seconds_left() <= 0:
                warn("the grace is over", **self._left())
                return
            if self._unavailable and self._clock() - max(began, self._reached_at) > self._patience_seconds:
                raise self._impatient(self._unavailable)
            with self._changed:
                self._changed.wait(min(LOOK_EVERY_SECONDS, stop.seconds_left()))
        self.check()

    def _hurry(self) -> None:
        """Publish the last checkpoint before all others, beside the one that may hang in the storage right now."""
        with self._changed:
            if self._waiting:
                last = self._waiting.pop()
                last.urgent = True
                self._waiting.appendleft(last)
            self._changed.notify_all()
        self._start_thread()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="gan-outbox", daemon=True).start()

    def _work(self) -> None:
        while (parcel := self._next()) is not None:
            try:
                self._publish(parcel, self.folder)
                self._published(parcel)
            except UnavailableError as error:
                self._put_back(parcel, error)
            except BaseException as error:  # noqa: BLE001 - raised on the training thread
                self._fail(error)
                return

    def _next(self) -> PendingCheckpoint | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            self._sending.append(self._waiting.popleft())
            return self._sending[-1]

    def _published(self, parcel: PendingCheckpoint) -> None:
        with self._changed:
            self._sending.remove(parcel)
            self._reached_at = self._clock()
            told, self._warned_at = self._warned_at, None
            self._unavailable, self._failures = None, 0
            self._changed.notify_all()
        if told is not None:
            say("the store answers again", saved_step=self.saved, waiting=len(self._waiting))

    def _put_back(self, parcel: PendingCheckpoint, error: UnavailableError) -> None:
        """Let a parcel wait, on the local disk as all others, for the storage to answer again."""
        with self._changed:
            self._sending.remove(parcel)
            self._waiting.appendleft(parcel)
            self._give_up_oldest()
            self._unavailable = error
            self._failures += 1
            now = self._clock()
            if self._warned_at is None or now - self._warned_at >= WARN_EVERY_SECONDS:
                self._warned_at = now
                waiting = sum(each.has_checkpoint for each in self._waiting)
                warn("the store does not answer; training goes on", waiting_checkpoints=waiting, reason=str(error))
            waiting_parcels = list(self._waiting)
            longest = min(LONGEST_PAUSE_SECONDS, self._pause_seconds * 2 ** min(self._failures, 10))
        try:
            for each in waiting_parcels:
                each.spool(self.folder)
        except BaseException as failure:  # noqa: BLE001 - raised on the training thread
            self._fail(failure)
        with self._changed:
            self._changed.wait(random.uniform(longest / 2, longest))  # noqa: S311 - no secret hangs on it

    def _give_up_oldest(self) -> None:
        """Keep to the bound: the oldest checkpoint goes, and its files go with the next parcel."""
        while sum(each.has_checkpoint for each in self._waiting) > self._most_waiting:
            at = next(at for at, each in enumerate(self._waiting) if each.has_checkpoint)
            oldest, following = self._waiting[at], self._waiting[at + 1]
            following.files = {**oldest.files, **following.files}
            oldest.drop_checkpoint()
            del self._waiting[at]
            warn(
                f"checkpoint {oldest.step} is given up: {self._most_waiting} newer ones wait for the store already "
                "(train.keep_checkpoints); its figures and samples are kept"
            )

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = error
            self._closed = True
            self._changed.notify_all()

    def _impatient(self, error: UnavailableError) -> UnavailableError:
        left = "; ".join(f"{what.replace('_', ' ')}: {which}" for what, which in self._left().items())
        return UnavailableError(
            f"the store did not answer for {self._patience_seconds:.0f} s after training. {left}. Last: {error}"
        )

    def _left(self) -> dict[str, str]:
        """What is not published, for people."""
        with self._changed:
            parcels = [*self._sending, *self._waiting]
        steps = sorted(each.step for each in parcels if each.has_checkpoint)
        files = sorted(key for each in parcels for key in each.files)
        return {
            "last_checkpoint_saved": str(self.saved or "none"),
            "checkpoints_not_saved": ", ".join(map(str, steps)) or "none",
            "files_not_published": ", ".join(files) or "none",
        }
