"""SIGTERM as an exception, so that commands and pipeline steps clean up."""

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
    """Inside, the first SIGTERM raises `Stopped`; later ones are ignored, so that the cleanup can finish.

    Python delivers signals to the main thread only, so in other threads this does nothing.

    Raises:
        Stopped: SIGTERM came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped(number, "no partial output is left; run the same command to continue")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def on_sigterm(callback: Callable[[], object]) -> Iterator[None]:
    """Inside, the first SIGTERM calls `callback` at once, in a thread of its own.

    A Python signal handler runs only once the main thread returns from native code, which may take longer than the
    pod's grace period; this does not wait. It needs an installed handler for SIGTERM, and does nothing outside the main
    thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def listen() -> None:
        called = False
        while numbers := os.read(reader, 1):
            if numbers[0] == signal.SIGTERM and not called:
                called = True
                callback()
        os.close(reader)

    threading.Thread(target=listen, daemon=True).start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
