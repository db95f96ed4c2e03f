"""What the steps print, line by line, turned into events.

`kfp.local` prints its own log, Kubeflow's executor log, and whatever a step writes, all on stdout and indented. Ours
are JSON lines: those of `gan.util.log` have the key "event", those of `pipelines.local.python_shim` "launched" or
"ended".
"""

from __future__ import annotations

import io
import json
from collections import deque
from typing import Any, Protocol

MAX_LINES = 200
KFP_NOISE = "[KFP Executor "


class Listener(Protocol):
    """Hears what happens while the pipeline runs."""

    def launched(self, step: str, process: int) -> None:
        """A step has begun."""

    def said(self, event: dict[str, Any]) -> None:
        """The step that runs tells something."""

    def ended(self, step: str, exit_code: int, seconds: float) -> None:
        """A step is over; a negative exit code is the signal that killed it."""


class OutputParser(io.TextIOBase):
    """A stream to put in the place of stdout. Lines that are no event are kept for the case of a crash."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._rest = ""
        self._lines: deque[str] = deque(maxlen=MAX_LINES)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Take some text; each whole line in it is dealt with."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line.strip())
        return len(text)

    def last_lines(self) -> list[str]:
        """What the last step printed beside its events."""
        return list(self._lines)

    def _take(self, line: str) -> None:
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
            self._listener.said(event)


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and event.keys() & {"event", "launched", "ended"} else None
