"""SIGTERM and Ctrl-C ask a run to stop; they never tear a step or a checkpoint apart.

A pod that is preempted is killed 30 s after SIGTERM, so the process is gone before that, whatever hangs: a watchdog
ends it shortly after GAN_GRACE_SECONDS (25 by default), by when the last step is saved if the storage lets it be.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gan.util.env import env_float
from gan.util.log import Clock, put

SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = "GAN_GRACE_SECONDS"
DEFAULT_GRACE_SECONDS = 25.0
MARGIN_SECONDS = 2.0


class StopRequest:
    """Whether a signal asked to stop, which one was the first, and how much time there is.

    `advice` gives what to say if the process has to be ended; `settled` tells that nothing is left that could hang.
    While it is `held`, a signal is noted but counts as not asked yet: several workers stop at one step or not at all,
    see `gan.train.distributed.coordination`.
    """

    def __init__(self, grace_seconds: float = DEFAULT_GRACE_SECONDS, clock: Clock = time.monotonic) -> None:
        self.signal_number: int | None = None
        self.advice: Callable[[], str] = str
        self.settled = True
        self.held = False
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._asked_at: float | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None and not self.held

    def ask(self, number: int) -> None:
        """Note a signal; those after the first change nothing."""
        if self.signal_number is None:
            self.signal_number, self._asked_at = number, self._clock()

    def seconds_left(self) -> float:
        """What is left of the grace; endless as long as nobody asked."""
        return math.inf if self._asked_at is None else self._asked_at + self._grace_seconds - self._clock()


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """While inside, SIGTERM and SIGINT only set a flag, however often they come.

    After SIGTERM the process is ended when its grace is over, also later than that, unless the request is `settled`.

    Python delivers signals to the main thread alone, so elsewhere the flag stays down.

    Raises:
        ConfigError: GAN_GRACE_SECONDS is no number above 0.
    """
    request = StopRequest(grace_seconds())
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    watchdog = threading.Timer(grace_seconds() + MARGIN_SECONDS, _end, [request])
    watchdog.daemon = True

    def note(number: int, _frame: FrameType | None) -> None:
        request.ask(number)
        if number == signal.SIGTERM and watchdog.ident is None:
            watchdog.start()

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if request.settled:
            watchdog.cancel()


def install_again() -> None:
    """Install Python's handlers of the signals anew, where a library has put its own in their place."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))


def grace_seconds() -> float:
    """What GAN_GRACE_SECONDS says, by default 25.

    Raises:
        ConfigError: that is no number above 0.
    """
    return env_float(GRACE, DEFAULT_GRACE_SECONDS, "seconds")


def _end(request: StopRequest) -> None:
    """End the process, whatever its threads wait for."""
    put(f"gan: stopped at the end of the grace. {request.advice()}".rstrip(), sys.stderr)
    os._exit(128 + signal.SIGTERM)
