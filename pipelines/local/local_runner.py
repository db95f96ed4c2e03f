"""Runs components or a pipeline under `kfp.local`, shows its steps, and returns how each went."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.runtime import result_file
from components.runtime.result_file import ResultFile
from gan.errors import EXIT_BUG, GanError, Stopped
from gan.result import StepResult
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import kfp_local_env
from pipelines.local.output_parser import OutputParser
from pipelines.local.signals import Signals

LAST_LINES = 40


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
        self._step = step
        self._signals.launched(process)
        self._display.begin(step, self._order.index(step) + 1, len(self._order))

    def logged(self, event: dict[str, Any]) -> None:
        self._display.event(self._step, event)

    def ended(self, step: str, exit_code: int, seconds: float) -> None:
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
