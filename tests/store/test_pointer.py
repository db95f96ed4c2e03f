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


def test_a_change_of_any_byte_is_found(store: Store) -> None:
    moved(store, ("g1", "promote"), ("g2", "force"))
    data = store.read("promoted/faces.json")
    for place in range(len(data)):
        for flip in (0x01, 0x20):
            store.write("promoted/faces.json", data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
            with pytest.raises(IntegrityError, match=r"faces.json is damaged"):
                pointer.read(store, "faces")
    store.write("promoted/faces.json", data + b"\n")
    with pytest.raises(IntegrityError, match=r"does not fit its seal"):
        pointer.read(store, "faces")


def test_the_pointer_of_another_name_is_damage(store: Store) -> None:
    moved(store, ("g1", "promote"))
    store.write("promoted/dogs.json", store.read("promoted/faces.json"))
    with pytest.raises(IntegrityError, match=r"dogs.json is damaged .it does not fit its seal"):
        pointer.read(store, "dogs")


def test_what_was_rolled_back_from_is_known_until_it_is_made_live_again(store: Store) -> None:
    assert pointer.read(store, "faces").rolled_back_from() == frozenset()
    at = moved(store, ("g1", "promote"), ("g2", "promote"), ("g3", "promote"))
    assert at.rolled_back_from() == frozenset()
    at = moved(store, ("g2", "rollback"), ("g1", "rollback"))
    assert at.rolled_back_from() == {"g2", "g3"}
    at = moved(store, ("g4", "promote"), ("g2", "force"))
    assert at.rolled_back_from() == {"g3"}
    assert moved(store, ("g4", "rollback")).rolled_back_from() == {"g2", "g3"}


def test_a_rollback_to_a_generator_clears_it(store: Store) -> None:
    at = moved(store, ("g1", "promote"), ("g2", "promote"), ("g1", "promote"), ("g2", "rollback"))
    assert at.rolled_back_from() == {"g1"}
    assert moved(store, ("g1", "rollback")).rolled_back_from() == {"g2"}


def test_files_that_are_no_pointers_are_no_names(store: Store) -> None:
    moved(store, ("g1", "promote"))
    for name in (".DS_Store", "._faces.json", "faces.json.bak", "deep/faces.json", ".json", "two words.json"):
        store.write(f"promoted/{name}", b"")
    assert list(pointer.names(store)) == ["faces"]


def test_names_stay_within_their_folder(store: Store) -> None:
    with pytest.raises(ConfigError, match="--name must be"):
        pointer.read(store, "../runs/x")
