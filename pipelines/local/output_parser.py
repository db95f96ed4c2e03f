"""Parses what the steps print, line by line, into events.

`kfp.local` prints its own log, Kubeflow's executor log, and what a step writes, all on stdout and indented. Events are
JSON lines: those of `gan.util.log` have the key "event", those of `pipelines.local.python_shim` "launched" or "ended".
"""

from __future__ import annotations

import io
import json
from collections import deque
from typing import Any, Protocol

MAX_LINES = 200
KFP_NOISE = "[KFP Executor "


class Listener(Protocol):
    """Is called for each event while the pipeline runs."""

    def launched(self, step: str, process: int) -> None:
        """A step began."""

    def logged(self, event: dict[str, Any]) -> None:
        """The step that runs logged an event."""

    def ended(self, step: str, exit_code: int, seconds: float) -> None:
        """A step ended; a negative exit code is the signal that killed it."""


class OutputParser(io.TextIOBase):
    """A stream that replaces stdout. Lines that are not events are kept for a crash report."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._partial_line = ""
        self._lines: deque[str] = deque(maxlen=MAX_LINES)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Parse each complete line."""
        *lines, self._partial_line = (self._partial_line + text).split("\n")
        for line in lines:
            self._parse(line.strip())
        return len(text)

    def last_lines(self) -> list[str]:
        """What the last step printed except events."""
        return list(self._lines)

    def _parse(self, line: str) -> None:
        event = _event(line)
        if event is None:
            if line and not line.startswith(KFP_NOISE):
                self._lines.append(line)
        elif "launched" in event:
            self._lines.clear()
            self._listener.launched(event["launched"], event["process"])
        elif "ended" in event:
            self._listener.ended(event["ended"], event["exit_code"], event["seconds"])
        else:
            self._listener.logged(event)


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and event.keys() & {"event", "launched", "ended"} else None
