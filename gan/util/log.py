"""What a command tells while it works: progress and messages on stderr, never on stdout.

On a terminal, messages are sentences and progress is a bar with an ETA. Elsewhere (a pod's log, a file, a pipe)
each message is one JSON object a line, and progress is one such line every `every_seconds` (10, or what the
environment variable GAN_PROGRESS_SECONDS says: a runner that draws bars from these lines asks for more of them).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Protocol

from gan.util.env import env_float

Clock = Callable[[], float]
PROGRESS_SECONDS = "GAN_PROGRESS_SECONDS"


class Advance(Protocol):
    """Moves a progress display by `amount` and shows `fields` beside it."""

    def __call__(self, amount: int = 1, **fields: Any) -> None:
        """Count `amount` more units as done."""


def on_terminal(stream: IO[str] | None = None) -> bool:
    """Whether a person is reading: `stream` (default stderr) is a terminal."""
    stream = stream or sys.stderr
    return stream.isatty()


def say(event: str, *, stream: IO[str] | None = None, **fields: Any) -> None:
    """Tell one thing: `event` is a short sentence, `fields` its figures."""
    stream = stream or sys.stderr
    if on_terminal(stream):
        tail = "  ".join(f"{name}={human(value)}" for name, value in fields.items())
        line = f"{event}  {tail}" if tail else event
    else:
        line = json.dumps({"time": _now(), "event": event, **fields}, default=str)
    put(line, stream)


def put(text: str, stream: IO[str]) -> None:
    """Write a line at once. A reader who has left, as `head` does, misses it, and the work goes on."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still buffered goes there, now and at exit
        os.close(nowhere)


def warn(event: str, **fields: Any) -> None:
    """Tell something that the user should act upon, though the work goes on."""
    say(f"warning: {event}", **fields)


@contextmanager
def progress(
    what: str,
    total: int,
    *,
    start: int = 0,
    unit: str = "steps",
    every_seconds: float | None = None,
    clock: Clock = time.monotonic,
    stream: IO[str] | None = None,
) -> Iterator[Advance]:
    """A bar with ETA on a terminal, JSON lines elsewhere.

    Args:
        what: what is being done, e.g. "train".
        total: how many units the whole work has; `start` of them are done already.
        unit: the name of one unit, in the plural.
        every_seconds: the least time between two lines where there is no terminal; none: see the module.
        clock: monotonic seconds.
        stream: where to write; default stderr.
    """
    stream = stream or sys.stderr
    if on_terminal(stream):
        yield from _bar(what, total, start, unit, stream)
    else:
        seconds = env_float(PROGRESS_SECONDS, 10, "seconds", or_zero=True) if every_seconds is None else every_seconds
        yield from _lines(what, total, start, unit, seconds, clock, stream)


def _bar(what: str, total: int, start: int, unit: str, stream: IO[str]) -> Iterator[Advance]:
    from rich import progress as rich_progress
    from rich.console import Console

    columns = [
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn(unit),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TextColumn("eta"),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[figures]}"),
    ]
    with rich_progress.Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(what, total=total, completed=start, figures="")

        def advance(amount: int = 1, **fields: Any) -> None:
            figures = "  ".join(f"{name}={human(value)}" for name, value in fields.items())
            if figures:
                bar.update(task, advance=amount, figures=figures)
            else:
                bar.update(task, advance=amount)

        yield advance


def _lines(
    what: str, total: int, start: int, unit: str, every_seconds: float, clock: Clock, stream: IO[str]
) -> Iterator[Advance]:
    began = told = clock()
    done = start

    def advance(amount: int = 1, **fields: Any) -> None:
        nonlocal done, told
        done += amount
        now = clock()
        if now - told < every_seconds and done < total:
            return
        told = now
        elapsed = now - began
        eta = elapsed * (total - done) / (done - start) if done > start else None
        say(
            what,
            stream=stream,
            done=done,
            total=total,
            unit=unit,
            elapsed_seconds=round(elapsed, 1),
            eta_seconds=None if eta is None else round(eta, 1),
            **fields,
        )

    yield advance


def human(value: Any) -> str:
    """A figure as people read it: four digits of a fraction, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
