"""The process pool: order, bounded memory, and termination."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan.data.prepare.process_pool import ordered_map, worker_count
from gan.errors import ConfigError, GanError

# What a user's own script looks like: no guard, so a worker that imported it would begin the map again, without end.
ENDLESS = textwrap.dedent(
    """
    import itertools, operator
    from gan.data.prepare.process_pool import ordered_map
    for number in ordered_map(operator.neg, itertools.count(), 2):
        if number == -20:
            print("begun", flush=True)
    """
)


def test_results_come_in_order() -> None:
    assert list(ordered_map(operator.neg, range(100), 2)) == [-n for n in range(100)]


def test_tasks_are_read_only_a_few_ahead() -> None:
    read = 0

    def tasks() -> Iterator[int]:
        nonlocal read
        for number in range(1000):
            read = number + 1
            yield number

    for done, _ in enumerate(ordered_map(operator.neg, tasks(), 2)):
        assert read <= done + 6
    assert read == 1000


def test_an_error_in_a_task_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map((10).__floordiv__, [1, 0], 1))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_is_an_error_not_a_hang(how: signal.Signals) -> None:
    with pytest.raises(GanError, match=r"1 worker processes died.*--workers"):
        list(ordered_map(signal.raise_signal, [how] * 50, 1))


def test_stopping_early_ends_the_workers() -> None:
    results = ordered_map(operator.neg, range(10**9), 1)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)], ids=["ctrl-c", "killed"]
)
def test_no_worker_outlives_the_program(how: signal.Signals, code: int, tmp_path: Path) -> None:
    """The pipe reaches its end only once every process that holds it is gone."""
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    if process.stdout is None:
        raise AssertionError
    try:
        assert process.stdout.readline() == b"begun\n"
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does: to the workers too
        else:
            process.send_signal(how)
        _, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert complaints.count(b"Traceback") == (how == signal.SIGINT)


def test_there_is_a_worker_for_each_core_we_may_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3, 5}, raising=False)
    assert worker_count(None) == 3


@pytest.mark.parametrize(("cores", "workers"), [(6, 6), (None, 1)])
def test_where_that_is_not_known_there_is_one_for_each_core(
    cores: int | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert worker_count(None) == workers


def test_worker_count() -> None:
    assert worker_count(3) == 3
    for wrong in (0, -1, 5000):
        with pytest.raises(ConfigError, match=f"--workers must be between 1 and 1024; got {wrong}"):
            worker_count(wrong)
