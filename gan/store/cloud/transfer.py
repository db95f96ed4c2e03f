"""Many files to or from a store at once, with a progress bar for large transfers.

The threads are daemons, so that they never keep a process alive.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from gan.errors import ConfigError
from gan.util import log

T = TypeVar("T")
THREADS, DEFAULT_THREADS = "GAN_STORE_THREADS", 8
MIN_PROGRESS_BYTES = 64 << 20


def in_parallel(
    jobs: Sequence[Callable[[], T]], *, threads: int, done: Callable[[int], None] = lambda _: None
) -> list[T]:
    """The results of all jobs, in their order.

    Args:
        jobs: what to do.
        threads: how many at once.
        done: called with the number of each finished job, in the caller's thread.

    Raises:
        Exception: the first failure, once the running jobs have ended; the other jobs never begin.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, T | None, BaseException | None]] = queue.SimpleQueue()
    stop = threading.Event()
    for number in range(len(jobs)):
        waiting.put(number)

    def work() -> None:
        while not stop.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                finished.put((number, jobs[number](), None))
            except BaseException as error:  # noqa: BLE001
                stop.set()
                finished.put((number, None, error))

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)))]
    for worker in workers:
        worker.start()
    results: dict[int, T] = {}
    try:
        while len(results) < len(jobs):
            number, result, error = finished.get()
            if error is not None:
                for worker in workers:
                    worker.join()
                raise error
            results[number] = result  # type: ignore[assignment]
            done(number)
    finally:
        stop.set()  # also if a signal ends the wait early
    return [results[number] for number in range(len(jobs))]


@dataclass(frozen=True)
class TransferJob(Generic[T]):
    """One file: the function that transfers it, and its size in bytes."""

    size: int
    run: Callable[[], T]


def transfer(what: str, jobs: Sequence[TransferJob[T]]) -> list[T]:
    """Run all jobs, `GAN_STORE_THREADS` (8) at once; the largest first, so that it does not end up last.

    Args:
        what: the bar's title, such as "upload datasets/digits-1".
        jobs: one for each file.

    Returns:
        Their results, in the order of `jobs`.

    Raises:
        Exception: that of the first job that failed.
    """
    order = sorted(range(len(jobs)), key=lambda number: -jobs[number].size)
    total = sum(job.size for job in jobs)
    bar = log.progress(what, total, unit="bytes") if total >= MIN_PROGRESS_BYTES else nullcontext(lambda _: None)
    with bar as advance:
        results = in_parallel(
            [jobs[number].run for number in order],
            threads=_threads(),
            done=lambda index: advance(jobs[order[index]].size),
        )
    return [result for _, result in sorted(zip(order, results, strict=True), key=lambda each: each[0])]


def _threads() -> int:
    text = os.environ.get(THREADS, str(DEFAULT_THREADS))
    if not text.isdecimal() or int(text) == 0:
        raise ConfigError(f'{THREADS} must be a number of threads, such as {DEFAULT_THREADS}; got "{text}"')
    return int(text)
