"""Kills a command at random, runs it again, and returns what is left.

A seed decides where. Half of the kills come at a moment, uniform over the time that the command takes when nobody
kills it; the other half before one of the changes that it makes to its store, where a kill hurts most.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from faults.forkserver import Child, Forkserver, Task


@dataclass(frozen=True)
class Unkilled:
    """What an uninterrupted command takes: `seconds`, and `operations` on its store."""

    seconds: float
    operations: int


@dataclass(frozen=True)
class Kill:
    """When to kill: `seconds` after the start, or before operation `operation`."""

    seconds: float | None = None
    operation: int | None = None


def measure(forkserver: Forkserver, task: Task) -> Unkilled:
    """Run a command to its end."""
    began = time.monotonic()
    child = run(forkserver, task)
    return Unkilled(time.monotonic() - began, child.operations)


def run(forkserver: Forkserver, task: Task) -> Child:
    """Run a command to its end, which must be a good one."""
    child = forkserver.begin(task)
    code = child.exit_code()
    assert code == 0, f"gan {' '.join(task.arguments)} exited with {code}:\n{child.err[-4000:]}"
    return child


def draw(source: random.Random, unkilled: Unkilled) -> Iterator[Kill]:
    """Where to kill, without end: before an operation and at a moment in turns."""
    while True:
        yield Kill(operation=source.randint(1, unkilled.operations))
        yield Kill(seconds=source.uniform(0, unkilled.seconds))


def kill(forkserver: Forkserver, task: Task, when: Kill) -> bool:
    """Start a command and kill it. False where it was done before that."""
    child = forkserver.begin(replace(task, dies_at=when.operation))
    if when.seconds is not None and not child.ended_within(when.seconds):
        child.send(signal.SIGKILL)
    code = child.exit_code()
    assert code in (0, -signal.SIGKILL), f"gan {' '.join(task.arguments)} exited with {code}:\n{child.err[-4000:]}"
    return code != 0
