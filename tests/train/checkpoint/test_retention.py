from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.metrics import evaluations
from gan.store import Store
from gan.train.checkpoint.retention import ReferencedSteps, best_steps, retained
from support import generators

STEPS = (10, 20, 30, 40, 45, 50)


def test_the_last_ones_stay() -> None:
    assert retained(STEPS, last=2) == {45, 50}
    assert retained(reversed(STEPS), last=2) == {45, 50}
    assert retained(STEPS, last=100) == set(STEPS)
    assert retained((), last=3) == frozenset()


def test_multiples_and_referenced_steps_are_kept() -> None:
    assert retained(STEPS, last=1, every_steps=20) == {20, 40, 50}
    assert retained(STEPS, last=1, referenced={10, 60}) == {10, 50}


def test_what_a_stop_saved_stays_only_while_it_is_the_newest_or_needed() -> None:
    assert retained(STEPS, last=2, unscheduled={45}) == {40, 50}
    assert retained(STEPS[:5], last=2, unscheduled={45}) == {40, 45}
    assert retained(STEPS, last=1, unscheduled={45}, referenced={45}) == {45, 50}
    assert retained(STEPS, last=1, every_steps=5, unscheduled={45}) == set(STEPS) - {45}


@given(st.sets(st.integers(1, 200)), st.integers(1, 9), st.none() | st.integers(1, 9), st.sets(st.integers(1, 200)))
def test_the_newest_always_stays_and_pruning_twice_is_pruning_once(
    steps: set[int], last: int, every: int | None, unscheduled: set[int]
) -> None:
    kept = retained(steps, last=last, every_steps=every, unscheduled=unscheduled)
    assert kept <= steps
    assert not steps or max(steps) in kept
    assert retained(kept, last=last, every_steps=every, unscheduled=unscheduled) == kept


def evaluated(store: Store, step: int, fid: float, *, reference: str = "ref-1") -> str:
    record = {
        "run_id": "tiny-1",
        "step": step,
        "reference_id": reference,
        "identity": {"samples": 100},
        "scores": {"fid": {"value": fid}},
    }
    evaluations.write(store, record)
    return evaluations.key_of("tiny-1", step, reference, record["identity"])


def test_the_best_of_each_way_of_measuring_is_needed(store: Store) -> None:
    assert best_steps(store, "tiny-1") == frozenset()
    for step, fid in ((10, 9.0), (20, 7.0), (30, 7.0), (40, 8.0)):
        evaluated(store, step, fid)
    assert best_steps(store, "tiny-1") == {20}
    evaluated(store, 40, 1.0, reference="ref-2")
    evaluated(store, 50, 2.0, reference="ref-2")
    assert best_steps(store, "tiny-1") == {20, 40}


def test_a_record_that_cannot_be_read_might_be_the_best(store: Store) -> None:
    evaluated(store, 20, 7.0)
    store.write(evaluated(store, 30, 8.0), b"{")
    assert best_steps(store, "tiny-1") == {20, 30}


@pytest.mark.parametrize(("run_id", "steps"), [("tiny-1", {4}), ("another", set())])
def test_a_step_that_a_generator_was_exported_from_is_needed(store: Store, run_id: str, steps: set[int]) -> None:
    needed = ReferencedSteps(store, run_id)
    assert needed.steps() == frozenset()
    generator = generators.publish(store)
    assert needed.steps() == steps
    store.write(f"generators/{generator}/generator.json", b"{}")
    assert needed.steps() == steps
    assert ReferencedSteps(store, run_id).steps() == frozenset()
