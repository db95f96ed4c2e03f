"""Shows a run while it goes, on stderr: bars and sentences on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from signal import SIGINT, SIGTERM
from typing import IO, Any

from gan.result import StepResult
from gan.util import log
from gan.util.formatting import format_value

HEADING_WIDTH = 15
STOPPED = tuple(code for number in (SIGINT, SIGTERM) for code in (-number, 128 + number))
"""Exit codes of a process that Ctrl-C or SIGTERM ended."""
BAR_FIELDS = ("time", "event", "done", "total", "unit", "elapsed_seconds", "eta_seconds")


class Display(ABC):
    """Shows the steps of a run. A step reports its progress every `every_seconds`."""

    every_seconds: float

    @abstractmethod
    def begin(self, step: str, number: int, of: int) -> None:
        """A step begins."""

    @abstractmethod
    def event(self, step: str, event: dict[str, Any]) -> None:
        """A step logged something, in the form that `gan.util.log` writes."""

    @abstractmethod
    def end(self, step: str, exit_code: int, seconds: float, result: StepResult | None) -> None:
        """A step has ended."""

    @abstractmethod
    def close(self) -> None:
        """The run has ended."""


class Lines(Display):
    """JSON lines: each event of a step as it was logged, with the step's name."""

    every_seconds = 10.0

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def begin(self, step: str, number: int, of: int) -> None:  # noqa: D102
        log.info("step begins", stream=self._stream, step=step, number=number, of=of)

    def event(self, step: str, event: dict[str, Any]) -> None:  # noqa: D102
        self._stream.write(json.dumps({**event, "step": step}) + "\n")
        self._stream.flush()

    def end(self, step: str, exit_code: int, seconds: float, result: StepResult | None) -> None:  # noqa: D102
        state = state_of(exit_code, result)
        log.info("step ends", stream=self._stream, step=step, state=state, exit_code=exit_code, seconds=seconds)

    def close(self) -> None:  # noqa: D102
        self._stream.flush()


class Terminal(Display):
    """One line for each step that has ended, and a bar for the one that runs."""

    every_seconds = 0.5

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        self._console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
        self._progress = Progress(
            SpinnerColumn(table_column=Column(no_wrap=True, width=1)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, width=HEADING_WIDTH)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, width=7)),
            BarColumn(bar_width=16, table_column=Column(no_wrap=True, width=16)),
            TextColumn("{task.fields[figures]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
            expand=True,
            console=self._console,
            transient=True,
        )
        self._heading = ""
        self._task: Any = None
        self._progress.start()

    def begin(self, step: str, number: int, of: int) -> None:  # noqa: D102
        self._heading = f"{number}/{of} {step}"
        self._task = self._progress.add_task(self._heading, total=None, figures="")

    def event(self, step: str, event: dict[str, Any]) -> None:  # noqa: D102
        if "done" in event and event.get("total"):
            self._progress.update(self._task, completed=event["done"], total=event["total"], figures=_figures(event))
        elif not event["event"].startswith((f"{step} done", f"{step} in the store")):
            style = "yellow" if event["event"].startswith("warning") else "dim"
            self._console.print(f"      {_sentence(event)}", style=style)

    def end(self, step: str, exit_code: int, seconds: float, result: StepResult | None) -> None:  # noqa: D102
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        output = result.id if result else ""
        line = f"{self._heading:<{HEADING_WIDTH}} {state_of(exit_code, result):<20} {seconds:6.1f} s  {output}"
        self._console.print(line.rstrip(), style="red" if exit_code else "")

    def close(self) -> None:  # noqa: D102
        self._progress.stop()


def make_display(stream: IO[str] | None = None) -> Display:
    """The display for `stream` (default stderr)."""
    stream = stream or sys.stderr
    return Terminal(stream) if log.on_terminal(stream) else Lines(stream)


def state_of(exit_code: int, result: StepResult | None) -> str:
    """How a step ended, in a word or two."""
    if exit_code in STOPPED:
        return "stopped"
    if exit_code:
        return "failed"
    return "in the store already" if result and result.skipped else "done"


def _figures(event: dict[str, Any]) -> str:
    eta = event.get("eta_seconds")
    parts = [f"{event['done']}/{event['total']} {event.get('unit', '')}"]
    parts += [f"eta {eta:.0f} s"] if eta else []
    parts += [f"{name} {format_value(value)}" for name, value in event.items() if name not in BAR_FIELDS]
    return "  ".join(parts)


def _sentence(event: dict[str, Any]) -> str:
    fields = [f"{name}={format_value(value)}" for name, value in event.items() if name not in ("time", "event")]
    return "  ".join([event["event"], *fields])
