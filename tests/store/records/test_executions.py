from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from gan.errors import ConfigError
from gan.store import LocalStore
from gan.store.records import executions
from gan.store.records.audit_logs import EXECUTIONS
from gan.store.records.executions import DAMAGED, DONE, LOST, RUNNING, ExecutionAttempt

EXECUTION = "0b8f2a6e-1"
FIRST = ExecutionAttempt(
    "train", "wf.root.train", 0, "2026-01-01T00:00:01.000Z", pod="wf-1", node="host", image="image@sha256:1"
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_an_attempt_reads_as_it_was_written(store: LocalStore) -> None:
    begun = executions.begin(store, EXECUTION, FIRST)
    assert begun == dataclasses.replace(FIRST, number=1)
    assert executions.read(store, EXECUTION) == [begun]
    outcome = {"id": "digits-1", "uri": "x", "seconds": 1.5, "skipped": False, "details": {"steps": 4}}
    ended = dataclasses.replace(begun, state=DONE, ended_at="2026-01-01T00:00:02.000Z", exit_code=0, outcome=outcome)
    executions.write(store, EXECUTION, ended)
    assert executions.read(store, EXECUTION) == [ended]


def test_attempts_come_in_the_order_in_which_tasks_and_then_they_began(store: LocalStore) -> None:
    earlier = dataclasses.replace(
        FIRST, step="preprocess", task="wf.root.preprocess", began_at="2026-01-01T00:00:00.000Z"
    )
    other = dataclasses.replace(FIRST, task="wf.root.loop.train", began_at="2026-01-01T00:00:03.000Z")
    late_clock = dataclasses.replace(FIRST, began_at="2025-12-31T00:00:00.000Z")  # another host's clock
    for attempt in (FIRST, other, late_clock, earlier):
        executions.begin(store, EXECUTION, attempt)
    read = [(each.step, each.task, each.number) for each in executions.read(store, EXECUTION)]
    assert read == [
        ("train", "wf.root.train", 1),
        ("train", "wf.root.train", 2),
        ("preprocess", "wf.root.preprocess", 1),
        ("train", "wf.root.loop.train", 1),
    ]
    assert [each.number for each in executions.read_task(store, EXECUTION, "train", "wf.root.train")] == [1, 2]


def test_an_attempt_without_an_end_is_lost_once_another_began(store: LocalStore) -> None:
    executions.begin(store, EXECUTION, FIRST)
    assert [each.state for each in executions.read(store, EXECUTION)] == [RUNNING]
    executions.begin(store, EXECUTION, dataclasses.replace(FIRST, retry=1))
    assert [each.state for each in executions.read(store, EXECUTION)] == [LOST, RUNNING]


def test_attempts_that_begin_at_once_get_numbers_of_their_own(store: LocalStore) -> None:
    begun: list[int] = []
    ready = threading.Barrier(8)

    def begin(number: int) -> None:
        ready.wait()
        begun.append(executions.begin(store, EXECUTION, dataclasses.replace(FIRST, pod=f"pod-{number}")).number)

    threads = [threading.Thread(target=begin, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == list(range(1, 9))
    assert {each.pod for each in executions.read(store, EXECUTION)} == {f"pod-{number}" for number in range(8)}


def test_a_damaged_record_is_reported_and_the_rest_stays_readable(store: LocalStore) -> None:
    first = executions.begin(store, EXECUTION, FIRST)
    second = executions.begin(store, EXECUTION, FIRST)
    key = executions.key_of(EXECUTION, first)
    store.write(key, store.read(key).replace(b"host", b"hist"))
    (damaged, sound) = executions.read(store, EXECUTION)
    assert sound == second
    assert (damaged.step, damaged.number, damaged.state) == ("train", 1, DAMAGED)
    assert "expected SHA-256" in (damaged.error or "")
    (told,) = EXECUTIONS.find_damage(store, EXECUTION)
    assert key in told


def test_a_record_of_a_later_version_may_know_more(store: LocalStore) -> None:
    begun = executions.begin(store, EXECUTION, FIRST)
    tree = {**dataclasses.asdict(begun), "weather": "fair"}
    executions.write_checksummed(store, executions.key_of(EXECUTION, begun), tree)
    assert executions.read(store, EXECUTION) == [begun]


def test_executions_are_listed_with_their_records(store: LocalStore) -> None:
    assert EXECUTIONS.records(store) == {}
    begun = executions.begin(store, EXECUTION, FIRST)
    executions.begin(store, "another", FIRST)
    found = EXECUTIONS.records(store)
    assert set(found) == {EXECUTION, "another"}
    assert [item.key for item in found[EXECUTION]] == [executions.key_of(EXECUTION, begun)]


def test_an_execution_that_never_began_has_no_attempts(store: LocalStore) -> None:
    assert executions.read(store, "nobody") == []


def test_a_name_that_is_no_folder_is_refused(store: LocalStore) -> None:
    with pytest.raises(ConfigError, match="the execution must be 1 to 100 letters"):
        executions.read(store, "../runs")
