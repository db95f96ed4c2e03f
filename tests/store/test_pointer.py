from __future__ import annotations

import json

import pytest

from gan.errors import ConfigError, ConflictError, IntegrityError
from gan.store import Store, pointer
from gan.store.pointer import Move


def moved(store: Store, *steps: tuple[str, str]) -> pointer.Pointer:
    at = pointer.read(store, "faces")
    for generator, action in steps:
        at = pointer.move(store, at, Move(generator, action, "2026-01-01T00:00:00+00:00", at.live))
    return at


def test_nothing_is_live_at_first(store: Store) -> None:
    first = pointer.read(store, "faces")
    assert (first.live, first.moves, first.version) == (None, (), None)
    assert first.before_live() is None


def test_moves_are_kept_in_order(store: Store) -> None:
    last = moved(store, ("g1", "promote"), ("g2", "promote"))
    assert pointer.read(store, "faces") == last
    assert [move.generator_id for move in last.moves] == ["g1", "g2"]
    assert last.moves[1].before == "g1"
    assert list(pointer.names(store)) == ["faces"]


def test_rollback_goes_back_one_promotion_each_time(store: Store) -> None:
    at = moved(store, ("g1", "promote"), ("g2", "promote"), ("g3", "force"))
    assert at.before_live() == "g2"
    at = moved(store, ("g2", "rollback"))
    assert at.before_live() == "g1"
    at = moved(store, ("g1", "rollback"))
    assert at.before_live() is None
    at = moved(store, ("g4", "promote"))
    assert at.before_live() == "g1"


def test_of_two_racing_moves_one_wins(store: Store) -> None:
    seen = pointer.read(store, "faces")
    pointer.move(store, seen, Move("g1", "promote", "t"))
    with pytest.raises(ConflictError):
        pointer.move(store, seen, Move("g2", "promote", "t"))
    assert pointer.read(store, "faces").live == "g1"


@pytest.mark.parametrize("text", ["{", "{}", '{"live": "g", "moves": [{}]}', '{"live": "g", "moves": []}', "[1]"])
def test_what_is_no_pointer_is_damage(store: Store, text: str) -> None:
    store.write("promoted/faces.json", text.encode())
    with pytest.raises(IntegrityError, match=r"faces.json is damaged"):
        pointer.read(store, "faces")


def test_a_pointer_that_contradicts_its_history_is_damage(store: Store) -> None:
    moved(store, ("g1", "promote"))
    tree = json.loads(store.read("promoted/faces.json"))
    tree["live"] = "g9"
    store.write("promoted/faces.json", json.dumps(tree).encode())
    with pytest.raises(IntegrityError, match="does not lead to g9"):
        pointer.read(store, "faces")


def test_names_stay_within_their_folder(store: Store) -> None:
    with pytest.raises(ConfigError, match="--name must be"):
        pointer.read(store, "../runs/x")
