from __future__ import annotations

from pathlib import Path

import pytest

from gan.errors import ConfigError, ConflictError, IntegrityError, StoreError
from gan.store import LocalStore, Store, alias
from gan.store.alias import Promotion
from gan.store.document import read_checksummed, write_checksummed


def promoted(store: Store, *promotions: tuple[str, str]) -> alias.Alias:
    at = alias.read(store, "faces")
    for generator, action in promotions:
        at = alias.update(store, at, Promotion(generator, action, "2026-01-01T00:00:00+00:00", at.live))
    return at


def test_nothing_is_live_at_first(store: Store) -> None:
    first = alias.read(store, "faces")
    assert (first.live, first.history, first.version) == (None, (), None)
    assert first.previous() is None


def test_promotions_are_kept_in_order(store: Store) -> None:
    last = promoted(store, ("g1", "promote"), ("g2", "promote"))
    assert alias.read(store, "faces") == last
    assert [move.generator_id for move in last.history] == ["g1", "g2"]
    assert last.history[1].before == "g1"
    assert list(alias.names(store)) == ["faces"]


def test_each_rollback_undoes_one_promotion(store: Store) -> None:
    at = promoted(store, ("g1", "promote"), ("g2", "promote"), ("g3", "force"))
    assert at.previous() == "g2"
    at = promoted(store, ("g2", "rollback"))
    assert at.previous() == "g1"
    at = promoted(store, ("g1", "rollback"))
    assert at.previous() is None
    at = promoted(store, ("g4", "promote"))
    assert at.previous() == "g1"


def test_of_two_racing_updates_one_wins(store: Store) -> None:
    seen = alias.read(store, "faces")
    alias.update(store, seen, Promotion("g1", "promote", "t"))
    with pytest.raises(ConflictError):
        alias.update(store, seen, Promotion("g2", "promote", "t"))
    assert alias.read(store, "faces").live == "g1"


@pytest.mark.parametrize("text", ["{", "{}", '{"live": "g", "moves": [{}]}', '{"live": "g", "moves": []}', "[1]"])
def test_what_is_not_an_alias_is_damage(store: Store, text: str) -> None:
    store.write("promoted/faces.json", text.encode())
    with pytest.raises(IntegrityError, match=r"faces.json is damaged"):
        alias.read(store, "faces")


def test_an_alias_that_contradicts_its_history_is_damage(store: Store) -> None:
    promoted(store, ("g1", "promote"))
    write_checksummed(store, "promoted/faces.json", {**read_checksummed(store, "promoted/faces.json"), "live": "g9"})
    with pytest.raises(IntegrityError, match="last promotion is not of g9"):
        alias.read(store, "faces")


@pytest.mark.parametrize("store", ["local"], indirect=True)  # hundreds of writes; what is read is checked above a store
def test_a_change_of_any_byte_is_found(store: Store) -> None:
    promoted(store, ("g1", "promote"), ("g2", "force"))
    data = store.read("promoted/faces.json")
    for place in range(len(data)):
        for flip in (0x01, 0x20):
            store.write("promoted/faces.json", data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
            with pytest.raises(IntegrityError, match=r"faces.json is damaged"):
                alias.read(store, "faces")
    store.write("promoted/faces.json", data + b"\n")
    with pytest.raises(IntegrityError, match=r"should end with its checksum"):
        alias.read(store, "faces")


def test_the_alias_of_another_name_is_damage(store: Store) -> None:
    promoted(store, ("g1", "promote"))
    store.write("promoted/dogs.json", store.read("promoted/faces.json"))
    with pytest.raises(IntegrityError, match=r"dogs.json is damaged .it is the alias faces"):
        alias.read(store, "dogs")


def test_a_generator_is_rolled_back_from_until_it_is_live_again(store: Store) -> None:
    assert alias.read(store, "faces").rolled_back_from() == frozenset()
    at = promoted(store, ("g1", "promote"), ("g2", "promote"), ("g3", "promote"))
    assert at.rolled_back_from() == frozenset()
    at = promoted(store, ("g2", "rollback"), ("g1", "rollback"))
    assert at.rolled_back_from() == {"g2", "g3"}
    at = promoted(store, ("g4", "promote"), ("g2", "force"))
    assert at.rolled_back_from() == {"g3"}
    assert promoted(store, ("g4", "rollback")).rolled_back_from() == {"g2", "g3"}


def test_a_rollback_to_a_generator_clears_it(store: Store) -> None:
    at = promoted(store, ("g1", "promote"), ("g2", "promote"), ("g1", "promote"), ("g2", "rollback"))
    assert at.rolled_back_from() == {"g1"}
    assert promoted(store, ("g1", "rollback")).rolled_back_from() == {"g2"}


def test_other_files_are_not_names(store: Store) -> None:
    promoted(store, ("g1", "promote"))
    for name in (".DS_Store", "._faces.json", "faces.json.bak", "deep/faces.json", ".json", "two words.json"):
        store.write(f"promoted/{name}", b"")
    assert list(alias.names(store)) == ["faces"]


def test_names_stay_within_their_folder(store: Store) -> None:
    with pytest.raises(ConfigError, match="--name must be"):
        alias.read(store, "../runs/x")


class LosesAnswers(LocalStore):
    """Makes each swap, but loses the answer."""

    def swap(self, key: str, data: bytes, *, expected: str | None) -> str:
        super().swap(key, data, expected=expected)
        raise ConflictError("it was sent again and conflicted with its own first try")


def test_an_update_whose_answer_was_lost_is_made_once_and_succeeds(tmp_path: Path) -> None:
    store = LosesAnswers(tmp_path)
    at = promoted(store, ("g1", "promote"), ("g2", "promote"))
    assert at == alias.read(store, "faces")
    assert [move.generator_id for move in at.history] == ["g1", "g2"]


def test_an_update_whose_answer_was_lost_is_found_below_later_ones(tmp_path: Path) -> None:
    store, others = LosesAnswers(tmp_path), LocalStore(tmp_path)

    class Overtaken(LosesAnswers):
        def swap(self, key: str, data: bytes, *, expected: str | None) -> str:
            others.swap(key, data, expected=expected)
            promoted(others, ("g9", "promote"))
            raise ConflictError("lost")

    at = promoted(Overtaken(tmp_path), ("g1", "promote"))
    assert (at.live, at.version) == ("g1", None)
    with pytest.raises(ConflictError):
        alias.update(others, at, Promotion("g3", "promote", "t"))
    assert alias.read(store, "faces").live == "g9"


def test_the_same_update_by_another_is_a_lost_race(store: Store) -> None:
    seen = alias.read(store, "faces")
    alias.update(store, seen, Promotion("g1", "promote", "t"))
    with pytest.raises(ConflictError):
        alias.update(store, seen, Promotion("g1", "promote", "t"))


def test_the_times_of_a_history_never_decrease(store: Store) -> None:
    at = alias.read(store, "faces")
    for year in (2027, 2026, 2028):
        at = alias.update(store, at, Promotion("g", "promote", f"{year}-01-01T00:00:00+00:00"))
    assert [move.at[:4] for move in alias.read(store, "faces").history] == ["2027", "2027", "2028"]


def test_a_storage_that_ignores_conditions_takes_no_promotion(tmp_path: Path) -> None:
    class IgnoresConditions(LocalStore):
        def require_conditions(self) -> None:
            raise StoreError("it ignores them")

    with pytest.raises(StoreError, match="it ignores them"):
        promoted(IgnoresConditions(tmp_path), ("g1", "promote"))
    assert alias.read(IgnoresConditions(tmp_path), "faces").live is None


def anchored(store: Store, *steps: tuple[str, str, dict[str, str] | None]) -> alias.Alias:
    at = alias.read(store, "faces")
    for generator, action, anchors in steps:
        at = alias.update(
            store, at, Promotion(generator, action, "2026-01-01T00:00:00+00:00", at.live, anchors=anchors)
        )
    return alias.read(store, "faces")


def test_anchors_are_those_of_the_last_promotion_that_has_any(store: Store) -> None:
    assert alias.read(store, "faces").anchors == {}
    at = anchored(store, ("g1", "promote", {"fid": "g1"}), ("g2", "force", None))
    assert at.anchors == {"fid": "g1"}
    assert anchored(store, ("g3", "promote", {"fid": "g3", "recall": "g1"})).anchors == {"fid": "g3", "recall": "g1"}


def test_a_rollback_restores_the_anchors(store: Store) -> None:
    promotions = [(name, "promote", {"fid": name}) for name in ("g1", "g2", "g3")]
    anchored(store, *promotions)
    assert anchored(store, ("g2", "rollback", None)).anchors == {"fid": "g2"}
    assert anchored(store, ("g1", "rollback", None)).anchors == {"fid": "g1"}
    assert anchored(store, ("g4", "promote", {"fid": "g1"})).anchors == {"fid": "g1"}


def test_an_anchor_changes_no_promotion(store: Store) -> None:
    anchored(store, ("g1", "promote", {"fid": "g1"}), ("g2", "promote", {"fid": "g2"}))
    at = anchored(store, ("g2", "anchor", {"fid": "g1"}))
    assert (at.live, at.anchors, at.previous()) == ("g2", {"fid": "g1"}, "g1")
    assert anchored(store, ("g1", "rollback", None)).previous() is None


def test_ever_live_are_those_that_were_not_rolled_back_from(store: Store) -> None:
    anchored(store, *[(name, "promote", None) for name in ("g1", "g2", "g3")], ("g2", "rollback", None))
    assert alias.read(store, "faces").ever_live() == ("g1", "g2")
