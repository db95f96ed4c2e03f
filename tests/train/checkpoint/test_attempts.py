from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from gan.errors import FencedError, IntegrityError, StoreError, UnavailableError
from gan.store import LocalStore, Store
from gan.train.checkpoint import attempts
from gan.train.checkpoint.attempts import Attempt, is_valid, take_over

KEY = "runs/r/attempts.json"


def test_attempts_are_numbered_from_one_and_kept_on_record(store: Store) -> None:
    assert attempts.read(store, "r") == ()
    first = take_over(store, "r")
    first.record_resume_step(0)
    second = take_over(store, "r")
    assert (first.number, second.number) == (1, 2)
    assert [(each.number, each.from_step) for each in attempts.read(store, "r")] == [(1, 0), (2, None)]
    second.record_resume_step(40)
    assert [(each.number, each.from_step) for each in attempts.read(store, "r")] == [(1, 0), (2, 40)]
    assert attempts.read(store, "another") == ()


def test_an_older_attempt_is_fenced_by_name(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = take_over(store, "r")
    first.check()
    assert capsys.readouterr().err == ""
    second = take_over(store, "r")
    holder = attempts.read(store, "r")[1].holder
    assert json.loads(capsys.readouterr().err)["before"] == attempts.read(store, "r")[0].holder
    for act in (first.check, lambda: first.record_resume_step(4)):
        with pytest.raises(FencedError, match=rf"attempt 1 at run r .* attempt 2 took over .*{holder}.*same command"):
            act()
    second.check()
    assert [each.from_step for each in attempts.read(store, "r")] == [None, None]


def test_of_attempts_that_begin_together_each_has_a_number_of_its_own(store: Store) -> None:
    numbers = []
    threads = [threading.Thread(target=lambda: numbers.append(take_over(store, "r").number)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))
    assert [each.number for each in attempts.read(store, "r")] == list(range(1, 9))


def test_an_answer_that_was_lost_makes_no_second_attempt(store: LocalStore) -> None:
    class Deaf(LocalStore):
        """Does each swap twice, as a client does that never heard that the first one succeeded."""

        def swap(self, key: str, data: bytes, *, expected: str | None) -> str:
            super().swap(key, data, expected=expected)
            return super().swap(key, data, expected=expected)

    lease = take_over(Deaf(store.root), "r")
    lease.record_resume_step(4)
    assert [(each.number, each.from_step) for each in attempts.read(store, "r")] == [(lease.number, 4)]


def test_without_the_record_the_checkpoints_give_the_number(store: Store) -> None:
    assert take_over(store, "r", above=6).number == 7
    assert take_over(store, "r", above=6).number == 8


@pytest.mark.parametrize(
    ("step", "number", "whether"),
    [
        (40, 1, True),
        (41, 1, False),  # attempt 2 went on from 40
        (60, 2, True),
        (61, 2, False),  # attempt 3 went on from 60
        (90, 3, True),  # attempt 4 has not said yet what from
        (90, 4, True),
    ],
)
def test_checkpoints_beyond_a_later_attempts_resume_step_are_invalid(step: int, number: int, whether: bool) -> None:
    record = [Attempt(each, "h", "t", from_step) for each, from_step in ((1, 0), (2, 40), (3, 60), (4, None))]
    assert is_valid(record, step, number) == whether


def test_any_changed_byte_is_found(store: Store) -> None:
    lease = take_over(store, "r")
    data = store.read(KEY)
    for place in range(len(data)):
        store.write(KEY, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        for act in (lease.check, lambda: take_over(store, "r"), lambda: lease.record_resume_step(1)):
            with pytest.raises(
                IntegrityError, match=r"attempts\.json is damaged .*expected|should end with its checksum"
            ):
                act()


def test_the_record_of_another_run_is_refused(store: Store) -> None:
    take_over(store, "r")
    store.write("runs/other/attempts.json", store.read(KEY))
    with pytest.raises(IntegrityError, match="is that of run r, not of other"):
        attempts.read(store, "other")


def test_a_store_without_conditional_writes_gives_a_warning_and_one_that_is_down_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Careless(LocalStore):
        error: StoreError = StoreError("it ignores If-Match")

        def require_conditions(self) -> None:
            raise self.error

    careless = Careless(tmp_path)
    assert take_over(careless, "r").number == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["reason"] == "it ignores If-Match"
    careless.error = UnavailableError("no answer for 120 s")
    with pytest.raises(UnavailableError):
        take_over(careless, "r")
