"""An ordered map over processes that keeps memory flat and never hangs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

from gan.errors import ConfigError, GanError

MAX_WORKERS = 1024
_QUEUED_TASKS_PER_WORKER = 3
Task = TypeVar("Task")
Result = TypeVar("Result")


def worker_count(wanted: int | None) -> int:
    """How many processes to use: `wanted`, or one for each core that this process may run on.

    Raises:
        ConfigError: `wanted` is out of range.
    """
    if wanted is None:
        # macOS can't tell which cores a process may run on.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= wanted <= MAX_WORKERS:
        raise ConfigError(f"--workers must be between 1 and {MAX_WORKERS}; got {wanted}")
    return wanted


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """`map(function, tasks)` in `workers` processes, results in the order of the tasks.

    The processes are spawned, not forked: TensorFlow's threads don't survive a fork. `function` must be importable by
    name from a module other than `__main__`, which workers don't import. `tasks` is read only a few ahead
    of the results, so memory does not grow with its length. Ctrl-C reaches this process alone; workers end with it,
    however it ends.

    Raises:
        GanError: a worker died, for instance killed because memory ran out.
    """
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Result]] = deque()
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_exit_with_parent)
    try:
        for task in tasks:
            with _sigint_blocked(), _main_module_hidden():
                waiting.append(executor.submit(function, task))
            if len(waiting) >= workers * _QUEUED_TASKS_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise GanError(
            f"one of {workers} worker processes died; if memory ran out, give fewer with --workers"
        ) from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Processes started meanwhile inherit that SIGINT is blocked: only this one answers Ctrl-C, a moment later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Processes started meanwhile don't import the program that runs here, whatever TensorFlow it may load."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _exit_with_parent() -> None:
    """Runs in a worker: a parent that is killed leaves no orphans."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
