"""Messages and progress on stderr, never on stdout, through the standard library's logging.

The logger is `logging.getLogger("gan")`. On a terminal, messages are sentences and progress is a bar with an ETA.
Elsewhere (a pod's log, a file, a pipe) each message is one JSON object a line, and progress is one such line every
`every_seconds` (10, or the environment variable GAN_PROGRESS_SECONDS).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Protocol

from gan.util.env import env_float
from gan.util.formatting import format_value

Clock = Callable[[], float]
PROGRESS_SECONDS = "GAN_PROGRESS_SECONDS"


class Advance(Protocol):
    """Moves a progress display by `amount` and shows `fields` next to it."""

    def __call__(self, amount: int = 1, **fields: Any) -> None:
        """Count `amount` more units as done."""


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, event, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        time_of = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.dumps({"time": time_of, "event": _event(record), **_fields(record)}, default=str)


class SentenceFormatter(logging.Formatter):
    """A record as a sentence, followed by its fields."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        return "  ".join(
            [_event(record), *(f"{name}={format_value(value)}" for name, value in _fields(record).items())]
        )


class StderrHandler(logging.Handler):
    """Writes to a stream, by default whatever stderr is at that time: sentences for people, else JSON lines."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:  # noqa: D102
        stream = self._stream or sys.stderr
        formatter = SentenceFormatter() if on_terminal(stream) else JsonFormatter()
        write_line(formatter.format(record), stream)


def _logger() -> logging.Logger:
    logger = logging.getLogger("gan")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(StderrHandler())
    return logger


LOGGER = _logger()


def on_terminal(stream: IO[str] | None = None) -> bool:
    """Whether `stream` (default stderr) is a terminal, so that a person reads it."""
    stream = stream or sys.stderr
    return stream.isatty()


def info(event: str, *, stream: IO[str] | None = None, **fields: Any) -> None:
    """Log one message.

    Args:
        event: a short sentence.
        stream: where to write; default: the handlers of the logger.
        fields: its figures.
    """
    _log(logging.INFO, event, fields, stream)


def warning(event: str, *, stream: IO[str] | None = None, **fields: Any) -> None:
    """Log what the user should act upon, though the work continues; see `info`."""
    _log(logging.WARNING, event, fields, stream)


def write_line(text: str, stream: IO[str]) -> None:
    """Write a line and flush. If the reader has left, as `head` does, the line is lost and the work continues."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still buffered goes there, now and at exit
        os.close(nowhere)


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
        every_seconds: the least time between two lines without a terminal; none: see the module.
        clock: monotonic seconds.
        stream: where to write; default stderr.
    """
    if on_terminal(stream):
        yield from _bar(what, total, start, unit, stream or sys.stderr)
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
            bar.update(task, advance=amount)
            if fields:
                bar.update(task, figures="  ".join(f"{name}={format_value(value)}" for name, value in fields.items()))

        yield advance


def _lines(
    what: str, total: int, start: int, unit: str, every_seconds: float, clock: Clock, stream: IO[str] | None
) -> Iterator[Advance]:
    began = last = clock()
    done = start

    def advance(amount: int = 1, **fields: Any) -> None:
        nonlocal done, last
        done += amount
        now = clock()
        if now - last < every_seconds and done < total:
            return
        last = now
        elapsed = now - began
        eta = elapsed * (total - done) / (done - start) if done > start else None
        times = {"elapsed_seconds": round(elapsed, 1), "eta_seconds": None if eta is None else round(eta, 1)}
        info(what, stream=stream, done=done, total=total, unit=unit, **times, **fields)

    yield advance


def _log(level: int, event: str, fields: Mapping[str, Any], stream: IO[str] | None) -> None:
    if not LOGGER.isEnabledFor(level):
        return
    record = LOGGER.makeRecord(LOGGER.name, level, "", 0, event, (), None, extra={"fields": fields})
    if stream is None:
        LOGGER.handle(record)
    else:
        StderrHandler(stream).emit(record)


def _event(record: logging.LogRecord) -> str:
    """The message; a warning says that it is one."""
    message = record.getMessage()
    return f"warning: {message}" if record.levelno == logging.WARNING else message


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return getattr(record, "fields", {})
