from __future__ import annotations

from collections.abc import Callable

import pytest

from gan.errors import IntegrityError, NotFoundError
from gan.store import Store, read_json
from gan.store.document import checksummed_json, parse_checksummed, read_checksummed, write_checksummed


def test_an_object_comes_back(store: Store) -> None:
    store.write("a.json", b'{"b": [1]}')
    assert read_json(store, "a.json", keys=["b"]) == {"b": [1]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[1]", "it should be a JSON object; found list"),
        (b'{"a": 1}', "it lacks b, c"),
    ],
)
def test_damage_is_explained(store: Store, data: bytes, says: str) -> None:
    store.write("a.json", data)
    with pytest.raises(IntegrityError, match=rf"/a.json is damaged \({says}.*\); make it anew"):
        read_json(store, "a.json", keys=["c", "a", "b"], remedy="make it anew")


def test_what_is_not_there_is_not_damaged(store: Store) -> None:
    with pytest.raises(NotFoundError):
        read_json(store, "a.json")


def test_a_checksummed_object_comes_back_in_its_order(store: Store) -> None:
    tree = {"b": [1.5, None, "ö"], "a": {"nested": {}}}
    write_checksummed(store, "a.json", tree)
    assert list(read_checksummed(store, "a.json", keys=["a"]).items()) == list(tree.items())
    assert read_json(store, "a.json")["seal"]
    with pytest.raises(IntegrityError, match="it lacks c"):
        read_checksummed(store, "a.json", keys=["c"])


def test_any_byte_that_changed_in_a_checksummed_object_is_found_with_both_hashes(store: Store) -> None:
    sound = checksummed_json({"id": "x", "list": [1, 2]})
    for place in range(len(sound)):
        for flip in (0x01, 0x20, 0x80):
            changed = sound[:place] + bytes([sound[place] ^ flip]) + sound[place + 1 :]
            with pytest.raises(
                IntegrityError,
                match=r"/a.json is damaged \((it should end|expected SHA-256 \w{64}; found \w{64})",
            ):
                parse_checksummed(changed, store.uri_of("a.json"))


@pytest.mark.parametrize("change", [lambda sound: sound[:-1], lambda sound: sound + b"\n", lambda sound: b""])
def test_a_checksummed_object_of_another_length_is_damaged(store: Store, change: Callable[[bytes], bytes]) -> None:
    store.write("a.json", change(checksummed_json({"id": "x"})))
    with pytest.raises(
        IntegrityError, match=r"/a.json is damaged \(it should end with its checksum; found .*\); make it"
    ):
        read_checksummed(store, "a.json", remedy="make it anew")


def test_an_object_without_a_checksum_is_damaged(store: Store) -> None:
    store.write("a.json", b'{"id": "x", "more": "' + b"y" * 100 + b'"}')
    with pytest.raises(IntegrityError, match="should end with its checksum"):
        read_checksummed(store, "a.json")
