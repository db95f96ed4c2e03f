"""Evaluation records: writing, reading, damage, and the best one."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from gan.errors import IdentityError, IntegrityError, NotFoundError
from gan.metrics import evaluations
from gan.metrics.maths.contributions import Contributions
from gan.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def record(step: int, fid: float, *, samples: int = 100, reference_id: str = "ref-1") -> dict:
    return {
        "run_id": "r1",
        "step": step,
        "reference_id": reference_id,
        "identity": {"samples": samples},
        "scores": {"fid": {"value": fid, "low": fid, "high": fid}},
    }


def test_reads_what_was_written(store: Store) -> None:
    evaluations.write(store, record(20, 5.0))
    (item,) = store.list("runs/r1/evaluations")
    assert re.fullmatch(r"runs/r1/evaluations/00000020-ref-1-[0-9a-f]{12}\.json", item.key)
    assert evaluations.read(store, "r1", 20, "ref-1", {"samples": 100}) == record(20, 5.0)
    assert evaluations.read(store, "r1", 21, "ref-1", {"samples": 100}) is None


def test_scores_of_another_identity_stand_beside(store: Store) -> None:
    few, many = record(20, 5.0), record(20, 4.0, samples=200)
    evaluations.write(store, few)
    evaluations.write(store, many)
    assert evaluations.read(store, "r1", 20, "ref-1", {"samples": 100}) == few
    assert evaluations.read(store, "r1", 20, "ref-1", {"samples": 200}) == many
    assert evaluations.read(store, "r1", 20, "ref-1", {"samples": 300}) is None
    assert len(evaluations.read_all(store, "r1")) == 2


def test_the_newest_come_first_and_those_that_do_not_say_last() -> None:
    first, second = ({**record(step, 1.0), "evaluated_at": f"2026-01-0{step}T00:00:00.000000+00:00"} for step in (1, 2))
    old = record(3, 1.0)
    assert evaluations.newest_first([first, old, second]) == [second, first, old]


def test_all_are_in_the_order_of_steps(store: Store) -> None:
    for step in (300, 20, 1000):
        evaluations.write(store, record(step, 1.0))
    assert [each["step"] for each in evaluations.read_all(store, "r1")] == [20, 300, 1000]
    assert evaluations.read_all(store, "r2") == []


def contributions(seed: int = 0) -> dict[str, Contributions]:
    rng = np.random.default_rng(seed)
    return {
        "fid": Contributions(rng.normal(size=(3, 9)), rng.normal(size=(3, 5))),
        "recall": Contributions(np.zeros((1, 0)), rng.normal(size=(1, 5))),
    }


def test_contributions_lie_beside_the_record_and_are_checked(store: Store) -> None:
    written = evaluations.write(store, record(20, 5.0), contributions())
    assert evaluations.read(store, "r1", 20, "ref-1", {"samples": 100}) == written
    found = evaluations.read_contributions(store, written)
    for name, expected in contributions().items():
        np.testing.assert_allclose(found[name].generated, expected.generated, rtol=1e-6)
        np.testing.assert_allclose(found[name].real, expected.real, rtol=1e-6)
    (item,) = (item for item in store.list("runs/r1/evaluations") if item.key.endswith(".safetensors"))
    data = store.read(item.key)
    store.write(item.key, data[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"safetensors is damaged .*found .*; delete it and evaluate again"):
        evaluations.read_contributions(store, written)
    store.delete(item.key)
    with pytest.raises(IntegrityError, match=r"safetensors is missing; expected .*; delete it and evaluate again"):
        evaluations.read_contributions(store, written)


def test_a_record_never_stands_beside_contributions_of_another(store: Store) -> None:
    """Killed between the two writes of a second evaluation, a process leaves the first one intact."""
    first = evaluations.write(store, record(20, 5.0), contributions(0))
    evaluations.write(store, record(20, 5.0), contributions(1))
    evaluations.write(store, record(20, 5.0))
    found = evaluations.read_contributions(store, first)
    np.testing.assert_allclose(found["fid"].generated, contributions(0)["fid"].generated, rtol=1e-6)


def test_a_record_without_contributions_says_what_to_do(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"step 20 of run r1 .* evaluate again with: gan evaluate"):
        evaluations.read_contributions(store, record(20, 5.0))


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"step": 1}', b"\xff"])
def test_damage_is_told(store: Store, text: bytes) -> None:
    store.write(evaluations.key_of("r1", 1, "ref-1", {}), text)
    with pytest.raises(IntegrityError, match=r"00000001-ref-1-\w+\.json is damaged .*; delete it and evaluate again"):
        evaluations.read_all(store, "r1")


def test_the_best_has_the_lowest_fid_and_is_the_earliest_of_equals() -> None:
    records = [record(10, 3.0), record(20, 2.0), record(30, 2.0), record(40, 4.0)]
    assert evaluations.best(records)["step"] == 20
    assert evaluations.best([]) is None


def test_scores_of_another_identity_are_not_compared() -> None:
    with pytest.raises(IdentityError, match=r"steps 10 and 20 of run r1 .*samples \(100 and 200\).*--checkpoint best"):
        evaluations.best([record(10, 3.0), record(20, 2.0, samples=200)])


def test_a_record_that_stands_where_another_should_is_damage(store: Store) -> None:
    evaluations.write(store, record(20, 5.0))
    there = evaluations.key_of("r1", 20, "ref-1", {"samples": 100})
    store.write(evaluations.key_of("r1", 30, "ref-1", {"samples": 100}), store.read(there))
    with pytest.raises(IntegrityError, match=r"00000030-\S+ is damaged \(it is the record of runs/r1/\S+/00000020-"):
        evaluations.read_all(store, "r1")


@pytest.mark.parametrize("now", ["2026-01-03T00:00:00+00:00", "2026-01-02T00:00:00+00:00", "2025-01-01T00:00:00+00:00"])
def test_what_is_made_later_is_dated_later_whatever_the_clocks_say(now: str) -> None:
    known = [{**record(day, 1.0), "evaluated_at": f"2026-01-0{day}T00:00:00.000000+00:00"} for day in (1, 2)]
    dated = {**record(3, 1.0), "evaluated_at": evaluations.date(known, datetime.fromisoformat(now))}
    assert evaluations.newest_first([*known, dated])[0] is dated
    assert evaluations.date([record(1, 1.0)], datetime.fromisoformat(now))[:10] == now[:10]
