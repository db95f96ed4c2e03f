"""Many files to or from a store at once, with a progress bar for large transfers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from gan.errors import ConfigError
from gan.store.cloud.parallel import in_parallel
from gan.util import log

T = TypeVar("T")
THREADS, DEFAULT_THREADS = "GAN_STORE_THREADS", 8
MIN_PROGRESS_BYTES = 64 << 20


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
