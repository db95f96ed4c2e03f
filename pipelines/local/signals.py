"""Ctrl-C and SIGTERM while a step runs: the step gets the signal, and when it has ended the run stops."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

from gan.errors import Stopped

FORWARDED = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # the terminal was closed
}


class Signals:
    """Forwards signals to the process of the step that runs; a second one kills it. Main thread only.

    `received` is the first signal that came, None if none did. A step that trains writes its checkpoint before it ends.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._process: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._handle) for number in FORWARDED}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def launched(self, process: int) -> None:
        """From now on signals go to this process."""
        self._process = process
        if self.received is not None:
            self._send(self.received)

    def ended(self) -> None:
        """No step runs now."""
        self._process = None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        forwarded = FORWARDED[signal.Signals(number)]
        first = self.received is None
        self.received = self.received or int(forwarded)
        if self._process is not None:
            self._send(int(forwarded) if first else signal.SIGKILL)
        elif not first:
            raise Stopped(self.received)

    def _send(self, number: int) -> None:
        if self._process is None:
            return
        try:
            if number == signal.SIGKILL:
                # its children too: `pipelines.local.python_shim` made the group
                os.killpg(os.getpgid(self._process), number)
            else:
                os.kill(self._process, number)
        except ProcessLookupError:
            self._process = None
