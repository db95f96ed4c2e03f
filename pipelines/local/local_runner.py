"""Runs components or a pipeline under `kfp.local`, shows its steps, and returns how each went."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from components.runtime import result_file
from components.runtime.result_file import ResultFile
from gan.errors import EXIT_BUG, GanError, Stopped
from gan.result import StepResult
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import kfp_local_env

MAX_LINES, LAST_LINES = 200, 40
KFP_NOISE = "[KFP Executor "
FORWARDED = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # the terminal was closed
}


@dataclass(frozen=True)
class StepRun:
    """How one step of a run went; `seconds` is its wall-clock time with the start of its process."""

    step: str
    result: StepResult
    seconds: float


class StepError(GanError):
    """A step ended with an error; the exit code is the step's own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run_locally(
    start: Callable[[], object],
    order: Sequence[str],
    display: Display,
    *,
    after_each: Callable[[StepRun], object] = lambda run: None,
) -> list[StepRun]:
    """Run components on this machine, one process a step.

    Args:
        start: calls a component or pipeline, which `kfp.local` then runs.
        order: the names of all steps that may run.
        display: shows them; it is closed at the end.
        after_each: is called for each step that succeeded.

    Returns:
        How each step went, in the order in which they ran.

    Raises:
        StepError: a step failed; the message and the exit code are the step's own.
        Stopped: a signal came; it was forwarded to the step that ran, which has ended.
    """
    crash: RuntimeError | None = None
    with kfp_local_env(progress_every_seconds=display.every_seconds) as folder, Signals() as signals:
        runner = _LocalRunner(order, folder, display, signals, after_each)
        output = OutputParser(runner)
        try:
            with contextlib.redirect_stdout(output):
                start()
        except RuntimeError as error:  # kfp's word for a failed step
            crash = error
        finally:
            display.close()
    if crash is not None and signals.received is not None:
        raise Stopped(signals.received, "The same command again continues where this one stopped.")
    if runner.failed is not None:
        raise _failure(*runner.failed, output.last_lines())
    if crash is not None:
        raise crash
    return runner.done


class _LocalRunner:
    """Listens to the steps: keeps how each went, and the first failure."""

    def __init__(
        self,
        order: Sequence[str],
        folder: Path,
        display: Display,
        signals: Signals,
        after_each: Callable[[StepRun], object],
    ) -> None:
        self.done: list[StepRun] = []
        self.failed: tuple[str, int, ResultFile | None] | None = None
        self._order = list(order)
        self._folder = folder
        self._display = display
        self._signals = signals
        self._after_each = after_each
        self._step = ""

    def launched(self, step: str, process: int) -> None:
        """A step began."""
        self._step = step
        self._signals.launched(process)
        self._display.begin(step, self._order.index(step) + 1, len(self._order))

    def logged(self, event: dict[str, Any]) -> None:
        """The step that runs logged an event."""
        self._display.event(self._step, event)

    def ended(self, step: str, exit_code: int, seconds: float) -> None:
        """A step ended; a negative exit code is the signal that killed it."""
        self._signals.ended()
        file = result_file.read(self._folder, step)
        result = file.outcome if file else None
        self._display.end(step, exit_code, seconds, result)
        if exit_code or result is None:
            self.failed = self.failed or (step, exit_code, file)  # the exit handler still runs, and may fail as well
            return
        self.done.append(StepRun(step, result, seconds))
        self._after_each(self.done[-1])


def _failure(step: str, exit_code: int, file: ResultFile | None, last_lines: list[str]) -> StepError:
    if file is not None and file.error is not None and file.exit_code != EXIT_BUG:
        return StepError(f"{step}: {file.error}", file.exit_code)
    if exit_code < 0:
        hint = "; the machine may be out of memory" if exit_code == -9 else ""
        return StepError(f"{step} was killed by signal {-exit_code}{hint}", 128 - exit_code)
    lines = "\n".join(["", *last_lines[-LAST_LINES:]])
    return StepError(f"{step} failed; this is a bug, please report it with these lines:{lines}", EXIT_BUG)


class OutputParser(io.TextIOBase):
    """A stream that replaces stdout, and parses what the steps print, line by line, into events.

    `kfp.local` prints its own log, Kubeflow's executor log, and what a step writes, all on stdout and indented. Events
    are JSON lines: those of `gan.util.log` have the key "event", those of `pipelines.local.python_shim` "launched" or
    "ended". Lines that are not events are kept for a crash report.
    """

    def __init__(self, listener: _LocalRunner) -> None:
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


class Signals:
    """Forwards Ctrl-C and SIGTERM to the process of the step that runs; a second one kills it. Main thread only.

    When the step has ended the run stops. `received` is the first signal that came, None if none did. A step that
    trains writes its checkpoint before it ends.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._process: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._handle) for number in FORWARDED}
        return self

    def __exit__(self, *_: object) -> None:
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
