"""SIGTERM as an exception, so that what was begun is cleared away; for every command and every step of a pipeline."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gan.errors import Stopped


@contextmanager
def sigterm_as_exception() -> Iterator[None]:
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


@contextmanager
def on_sigterm(tell: Callable[[], object]) -> Iterator[None]:
    """While inside, the first SIGTERM calls `tell` at once, in a thread of its own.

    A handler in Python waits until the main thread comes out of the library that it is calculating in, which may last
    longer than a pod has left to live; this does not. It needs a handler for SIGTERM, and nothing happens where it is
    entered in another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def listen() -> None:
        told = False
        while numbers := os.read(reader, 1):
            if numbers[0] == signal.SIGTERM and not told:
                told = True
                tell()
        os.close(reader)

    threading.Thread(target=listen, daemon=True).start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
