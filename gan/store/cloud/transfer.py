"""Many files to or from a store at once, with a progress bar in bytes where it takes a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from gan.errors import ConfigError
from gan.store.cloud.parallel import in_parallel
from gan.util.log import progress

T = TypeVar("T")
THREADS, DEFAULT_THREADS = "GAN_STORE_THREADS", 8
MIN_PROGRESS_BYTES = 64 << 20


@dataclass(frozen=True)
class TransferJob(Generic[T]):
    """One file: what moves it, and how many bytes that are."""

    size: int
    move: Callable[[], T]


def transfer(what: str, jobs: Sequence[TransferJob[T]]) -> list[T]:
    """Do all jobs, `GAN_STORE_THREADS` (8) at once; the largest first, so that none is left for the end.

    Args:
        what: for the bar, such as "upload datasets/digits-1".
        jobs: one for each file.

    Returns:
        What they returned, in their order.

    Raises:
        Exception: what the first job raised that failed.
    """
    order = sorted(range(len(jobs)), key=lambda number: -jobs[number].size)
    total = sum(job.size for job in jobs)
    shown = progress(what, total, unit="bytes") if total >= MIN_PROGRESS_BYTES else nullcontext(lambda _: None)
    with shown as advance:
        moved = in_parallel(
            [jobs[number].move for number in order],
            threads=_threads(),
            done=lambda place: advance(jobs[order[place]].size),
        )
    return [result for _, result in sorted(zip(order, moved, strict=True), key=lambda each: each[0])]


def _threads() -> int:
    text = os.environ.get(THREADS, str(DEFAULT_THREADS))
    if not text.isdecimal() or int(text) == 0:
        raise ConfigError(f'{THREADS} must be a number of threads, such as {DEFAULT_THREADS}; got "{text}"')
    return int(text)
