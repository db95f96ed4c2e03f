"""An ordered map over processes with bounded memory that never hangs."""

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
    """The number of processes to use: `wanted`, or one per core that this process may run on.

    Raises:
        ConfigError: `wanted` is out of range.
    """
    if wanted is None:
        # macOS has no sched_getaffinity.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= wanted <= MAX_WORKERS:
        raise ConfigError(f"--workers must be between 1 and {MAX_WORKERS}; got {wanted}")
    return wanted


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """`map(function, tasks)` in `workers` processes, with the results in the order of the tasks.

    The processes are spawned, not forked, since TensorFlow's threads don't survive a fork. `function` must be
    importable from a module other than `__main__`, which workers don't import. Only a few tasks are read ahead of the
    results, so memory does not grow with their number. Only this process receives Ctrl-C; workers end when it ends.

    Raises:
        GanError: a worker died, for instance because memory ran out.
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
    """Block SIGINT: processes started meanwhile inherit this, so only this process handles Ctrl-C, a moment later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep processes that start meanwhile from importing the main program, which may load TensorFlow."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _exit_with_parent() -> None:
    """Runs in a worker: end it when its parent ends, even if the parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
