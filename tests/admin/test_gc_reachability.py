"""What may be deleted, as a matter of graphs alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.admin.gc_reachability import StoreObject, unreachable
from gan.lineage import DATASET, GENERATOR, KINDS, NAME, REFERENCE, RUN, ObjectRef

D1, D2, REF, R1, R2, G1, G2, FACES = (
    ObjectRef(*pair)
    for pair in (
        (DATASET, "d1"), (DATASET, "d2"), (REFERENCE, "ref"), (RUN, "r1"), (RUN, "r2"), (GENERATOR, "g1"),
        (GENERATOR, "g2"), (NAME, "faces"),
    )
)  # fmt: skip
LINEAGE = {
    D1: (), D2: (), REF: (D1,), R1: (D1, REF), R2: (D2,), G1: (R1, D1, REF), G2: (R2, D2), FACES: (G1,),
}  # fmt: skip
NOW = 1000.0


def store_objects(*keys: ObjectRef, **changes: Any) -> list[StoreObject]:
    return [replace(StoreObject(key, modified=0.0, dependencies=LINEAGE[key]), **changes) for key in keys]


def test_what_runs_and_generators_need_stays() -> None:
    assert unreachable(store_objects(*LINEAGE), newer_than=NOW) == frozenset()
    assert unreachable(store_objects(D1, D2, REF, R2), newer_than=NOW) == {D1, REF}
    assert unreachable(store_objects(D1, D2, REF), newer_than=NOW) == {D1, D2, REF}
    assert unreachable(store_objects(D2, G2), newer_than=NOW) == frozenset(), (
        "the run of a generator may be in another store"
    )


def test_recent_objects_stay_with_their_dependencies() -> None:
    young = StoreObject(REF, modified=NOW, dependencies=LINEAGE[REF])
    assert unreachable([*store_objects(D1, D2), young], newer_than=NOW) == {D2}


def test_pinned_objects_stay() -> None:
    assert unreachable(store_objects(D1, D2, REF), pinned={REF}, newer_than=NOW) == {D2}
    assert unreachable(store_objects(D1, D2), pinned={REF, D2}, newer_than=NOW) == {D1}


def test_references_stay_while_a_run_trains_on_their_dataset() -> None:
    """Training may take longer than the grace, and no evaluation refers to the reference before its end."""
    at_work = StoreObject(R1, modified=NOW, dependencies=(D1,))
    other = ObjectRef(REFERENCE, "of-d2")
    graph = [*store_objects(D1, D2, REF), StoreObject(other, modified=0.0, dependencies=(D2,))]
    assert unreachable([*graph, at_work], newer_than=NOW) == {D2, other}
    assert unreachable([*graph, replace(at_work, modified=0.0)], newer_than=NOW) == {D2, other, REF}


def test_unfinished_objects_go_unless_something_refers_to_them() -> None:
    halves = store_objects(D1, R1, G1, complete=False, dependencies=())
    assert unreachable(halves, newer_than=NOW) == {D1, R1, G1}
    assert unreachable([*halves, *store_objects(FACES)], newer_than=NOW) == {D1, R1}
    assert unreachable([*halves, *store_objects(R2), *store_objects(REF)], newer_than=NOW) == {D1, R1, G1, REF}


@pytest.mark.parametrize(
    ("unreadable", "stays"),
    [(REF, {D1, D2}), (R2, {D1, D2, REF}), (G2, {D1, D2, REF}), (FACES, {D1, D2, REF}), (D1, set())],
)
def test_what_a_record_that_cannot_be_read_may_refer_to_stays(unreadable: ObjectRef, stays: set[ObjectRef]) -> None:
    others = store_objects(*({D1, D2, REF} - {unreadable}))
    gone = unreachable([*others, *store_objects(unreadable, dependencies=None)], newer_than=NOW)
    assert {each.key for each in others} - gone == stays - {unreadable}


def test_inactive_runs_go_with_their_generators_unless_one_was_ever_live() -> None:
    assert unreachable(store_objects(*LINEAGE), newer_than=NOW, inactive_since=NOW) == {R2, G2, D2}
    assert unreachable(store_objects(*LINEAGE), newer_than=NOW, inactive_since=0.0) == frozenset()
    assert unreachable(store_objects(*LINEAGE), newer_than=NOW, inactive_since=NOW, pinned={G2}) == frozenset()
    busy = [each for each in store_objects(*LINEAGE) if each.key != G2] + store_objects(G2, modified=500.0)
    assert unreachable(busy, newer_than=NOW, inactive_since=400.0) == frozenset(), "something was exported from it"
    damaged = [each for each in store_objects(*LINEAGE) if each.key != FACES] + store_objects(FACES, dependencies=None)
    assert unreachable(damaged, newer_than=NOW, inactive_since=NOW) == frozenset(), "which one was live can't be told"
    damaged = [each for each in store_objects(*LINEAGE) if each.key != R2] + store_objects(R2, dependencies=None)
    assert unreachable(damaged, newer_than=NOW, inactive_since=NOW) == frozenset(), "it can be restored"


@st.composite
def graphs(draw: st.DrawFn) -> list[StoreObject]:
    """Objects that need any objects of earlier kinds, some of which are not there."""
    every = [ObjectRef(kind, str(number)) for kind in KINDS for number in range(4)]
    there = draw(st.lists(st.sampled_from(every), unique=True))
    made = []
    for key in there:
        earlier = [other for other in every if KINDS.index(other.kind) < KINDS.index(key.kind)]
        needs = st.lists(st.sampled_from(earlier), max_size=4).map(tuple) if earlier else st.just(())
        whole = key.kind == NAME or draw(st.booleans())
        found = draw(st.one_of(st.none(), needs) if draw(st.integers(0, 9)) == 0 else needs) if whole else ()
        made.append(StoreObject(key, draw(st.floats(0, NOW)), whole, found))
    return made


@given(graphs(), st.sets(st.sampled_from(sorted(LINEAGE))), st.floats(0, NOW), st.none() | st.floats(0, NOW))
def test_nothing_reachable_depends_on_anything_unreachable(
    graph: list[StoreObject], pinned: set[ObjectRef], young: float, idle: float | None
) -> None:
    pinned = {ObjectRef(key.kind, str(len(key.id))) for key in pinned}
    gone = unreachable(graph, pinned=pinned, newer_than=young, inactive_since=idle)
    stays = [each for each in graph if each.key not in gone]
    assert not [need for each in stays for need in each.dependencies or () if need in gone]
    for each in graph:
        if each.key in gone:
            assert each.key not in pinned
            assert each.modified < young
            assert each.key.kind != NAME
            assert idle is not None or not each.complete or each.key.kind in (DATASET, REFERENCE)
            later = KINDS[KINDS.index(each.key.kind) + 1 :]
            assert not [other for other in graph if other.dependencies is None and other.key.kind in later]


@given(graphs())
def test_everything_that_nothing_needs_is_unreachable(graph: list[StoreObject]) -> None:
    """Where all records can be read and nothing is young, only what runs, generators and names lead to stays."""
    graph = [replace(each, dependencies=each.dependencies or ()) for each in graph]
    gone = unreachable(graph, newer_than=NOW + 1)
    for each in graph:
        anchored = each.complete and each.key.kind in (RUN, GENERATOR, NAME)
        needed = any(each.key in (other.dependencies or ()) and other.key not in gone for other in graph)
        assert (each.key in gone) == (not anchored and not needed)
