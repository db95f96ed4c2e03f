"""SIGTERM as an exception, so that what was begun is cleared away; for every command and every step of a pipeline."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gan.errors import Stopped


@contextmanager
def unwinding_at_sigterm() -> Iterator[None]:
    """While inside, the first SIGTERM raises `Stopped`; later ones wait for the clearing up that it began.

    Python delivers signals to the main thread alone, so elsewhere nothing changes.

    Raises:
        Stopped: SIGTERM came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def unwind(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped(number, "nothing half made is left; the same command again continues")

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
