"""SIGTERM and Ctrl-C ask a run to stop; they never interrupt a step or a checkpoint.

Kubernetes kills a preempted pod 30 s after SIGTERM. The process exits before that, whatever hangs: a watchdog ends it
shortly after GAN_GRACE_SECONDS (25 by default), by when the last step is saved unless the storage prevents it.
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

from gan.util import log
from gan.util.env import env_float
from gan.util.log import Clock

SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = "GAN_GRACE_SECONDS"
DEFAULT_GRACE_SECONDS = 25.0
MARGIN_SECONDS = 2.0


class StopRequest:
    """Whether a signal asked to stop, which one came first, and how much time is left.

    `advice` returns what to print if the watchdog ends the process; `can_exit` says that nothing is left that could
    hang. While it is `deferred`, a signal is recorded but not acted upon: all workers stop at the same step, see
    `gan.train.distributed.coordination`.
    """

    def __init__(self, grace_seconds: float = DEFAULT_GRACE_SECONDS, clock: Clock = time.monotonic) -> None:
        self.signal_number: int | None = None
        self.advice: Callable[[], str] = str
        self.can_exit = True
        self.deferred = False
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._asked_at: float | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None and not self.deferred

    def ask(self, number: int) -> None:
        """Record a signal; only the first one counts."""
        if self.signal_number is None:
            self.signal_number, self._asked_at = number, self._clock()

    def seconds_left(self) -> float:
        """The rest of the grace period; infinite while no stop is asked for."""
        return math.inf if self._asked_at is None else self._asked_at + self._grace_seconds - self._clock()


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Inside, SIGTERM and SIGINT only set a flag.

    After SIGTERM the watchdog ends the process when the grace period is over, even after this context was left, unless
    the request `can_exit`. Python delivers signals to the main thread only, so in other threads the flag is never set.

    Raises:
        ConfigError: GAN_GRACE_SECONDS is not a number above 0.
    """
    request = StopRequest(grace_seconds())
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    watchdog = threading.Timer(grace_seconds() + MARGIN_SECONDS, _end, [request])
    watchdog.daemon = True

    def handle(number: int, _frame: FrameType | None) -> None:
        request.ask(number)
        if number == signal.SIGTERM and watchdog.ident is None:
            watchdog.start()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if request.can_exit:
            watchdog.cancel()


def install_again() -> None:
    """Install Python's signal handlers again after a library replaced them."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))


def grace_seconds() -> float:
    """The value of GAN_GRACE_SECONDS, 25 by default.

    Raises:
        ConfigError: it is not a number above 0.
    """
    return env_float(GRACE, DEFAULT_GRACE_SECONDS, "seconds")


def _end(request: StopRequest) -> None:
    """End the process, whatever its threads wait for."""
    log.write_line(f"gan: stopped at the end of the grace period. {request.advice()}".rstrip(), sys.stderr)
    os._exit(128 + signal.SIGTERM)
