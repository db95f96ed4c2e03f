"""Several transfers at once, in daemon threads, so that they never keep a process alive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


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
