"""Processes that have TensorFlow loaded when they begin, so that a hundred of them cost little.

`python -m faults.forkserver` imports what the steps need and then forks a child for each task that it reads from stdin:
the `gan` command of the task, in a process of its own that ends as any other does. `Forkserver` is the other end.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 120
TESTS = Path(__file__).resolve().parent.parent
IMPORTED = (
    *("boto3", "google.cloud.storage", "keras", "sklearn.datasets"),
    *("gan.data.input", "gan.data.prepare.writer", "gan.export.saved_model", "gan.metrics.score", "gan.train.loop"),
    *("gan.cli.commands", "gan.cli.main", "gan.steps.preprocess", "gan.steps.reference", "gan.steps.train"),
    *("gan.steps.evaluate", "gan.steps.export", "gan.steps.gate", "gan.steps.promote"),
)


@dataclass(frozen=True)
class Task:
    """One process.

    `arguments` are those of `gan`; its output goes to files next to `log` (`.out` and `.err`). Each change that it
    makes below the folder `watched` counts as an operation, and so does each piece of a request to an HTTP server;
    `.count` has their number. Before number `dies_at` the process kills itself.
    """

    arguments: Sequence[str]
    log: str
    environment: Mapping[str, str] = field(default_factory=dict)
    watched: str = ""
    dies_at: int | None = None


class Child:
    """A process that a forkserver began."""

    def __init__(self, pid: int, server: subprocess.Popen[str], log: Path) -> None:
        self.pid = pid
        self._server = server
        self._log = log
        self._exit_code: int | None = None

    def ended_within(self, seconds: float) -> bool:
        """Wait; whether it ended in that time."""
        return self._exit_code is not None or bool(select.select([self._server.stdout], [], [], seconds)[0])

    def wait_for(self, seen: Callable[[], T | None]) -> T:
        """Wait until `seen` returns something, and return it; fails if the process ends before that."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := seen()) is None:
            assert time.monotonic() < until, f"waited in vain:\n{self.err[-4000:]}"
            if self.ended_within(0.02):
                raise AssertionError(f"the process ended with {self.exit_code()}:\n{self.err[-4000:]}")
        return found

    def events(self) -> list[dict[str, Any]]:
        """What it told so far, one event a line."""
        return [
            json.loads(line)
            for line in self.err.splitlines(keepends=True)
            if line.startswith("{") and line.endswith("}\n")
        ]

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def exit_code(self) -> int:
        """Wait for the end; negative where a signal ended it."""
        if self._exit_code is None:
            assert self._server.stdout is not None
            self._exit_code = int(self._server.stdout.readline())
        return self._exit_code

    def end(self) -> None:
        """Kill it if it still runs."""
        if not self.ended_within(0):
            self.send(signal.SIGKILL)
        self.exit_code()

    @property
    def out(self) -> str:
        """What it wrote to stdout."""
        return self._log.with_suffix(".out").read_text()

    @property
    def err(self) -> str:
        """What it wrote to stderr."""
        return self._log.with_suffix(".err").read_text()

    @property
    def operations(self) -> int:
        """The number of its operations, if it was not killed."""
        return int(self._log.with_suffix(".count").read_text())


class Forkserver:
    """Begins one process at a time: the one before is killed if it still runs."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "faults.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=TESTS,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == "ready\n"
        self._child: Child | None = None

    def __enter__(self) -> Forkserver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._server.__exit__(kind, error, trace)  # closes its stdin, at which it ends

    def begin(self, task: Task) -> Child:
        """Start a process."""
        self.end()
        for suffix in (".out", ".err"):
            Path(task.log).with_suffix(suffix).write_bytes(b"")
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asdict(task)) + "\n")
        self._server.stdin.flush()
        self._child = Child(int(self._server.stdout.readline()), self._server, Path(task.log))
        return self._child

    def end(self) -> None:
        """Kill the process that runs, if one does."""
        if self._child is not None:
            self._child.end()


def serve() -> int:
    """Fork a child for each line of stdin. Returns in each child too, with the exit code of its command."""
    from gan.util.tf_import import load_tensorflow

    load_tensorflow()
    for module in IMPORTED:
        importlib.import_module(module)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            return _run(json.loads(line))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    return 0


def _run(task: Mapping[str, Any]) -> int:
    from gan.cli.main import main

    log = Path(task["log"])
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        with log.with_suffix(suffix).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.close(0)
    os.environ.update(task["environment"])
    tempfile.tempdir = None  # TMPDIR may be another now
    count = _count_operations(task["watched"], task["dies_at"])
    code = main(task["arguments"])
    log.with_suffix(".count").write_text(str(next(count) - 1))
    return code


def _count_operations(watched: str, dies_at: int | None) -> itertools.count[int]:
    operations = itertools.count(1)

    def note(event: str, details: tuple[Any, ...]) -> None:
        if _is_operation(event, details, watched) and next(operations) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)
    return operations


def _is_operation(event: str, details: tuple[Any, ...], watched: str) -> bool:
    if event == "http.client.send":
        return True
    if event == "open":
        path, _, flags = details
        return bool(flags & (os.O_WRONLY | os.O_RDWR)) and _is_below(path, watched)
    return event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir") and _is_below(details[0], watched)


def _is_below(path: Any, folder: str) -> bool:
    return bool(folder) and isinstance(path, str | os.PathLike) and os.fspath(path).startswith(folder)


if __name__ == "__main__":
    raise SystemExit(serve())
