from __future__ import annotations

import threading
from functools import partial

import pytest

from gan.store.cloud.transfer import in_parallel


def test_results_come_in_the_order_of_the_jobs() -> None:
    told: list[int] = []
    assert in_parallel([partial(pow, 2, n) for n in range(20)], threads=4, done=told.append) == [
        2**n for n in range(20)
    ]
    assert sorted(told) == list(range(20))
    assert in_parallel([], threads=4) == []


def test_as_many_run_at_once_as_there_are_threads() -> None:
    barrier = threading.Barrier(4, timeout=30)
    in_parallel([barrier.wait] * 8, threads=4)


def test_the_first_failure_is_raised_once_what_runs_has_ended_and_nothing_more_begins() -> None:
    begun, failed = threading.Event(), threading.Event()
    ended: list[str] = []

    def fail() -> None:
        begun.wait()
        failed.set()
        raise ValueError("no")

    def long() -> None:
        begun.set()
        failed.wait()
        ended.append("long")

    with pytest.raises(ValueError, match="no"):
        in_parallel([fail, long, *[partial(ended.append, "more")] * 50], threads=2)
    assert "long" in ended
    assert len(ended) < 51


def test_its_threads_do_not_keep_the_process() -> None:
    assert in_parallel([lambda: threading.current_thread().daemon], threads=1) == [True]
