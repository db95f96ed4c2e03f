from __future__ import annotations

import pytest

from gan.errors import IntegrityError, NotFoundError
from gan.store import Store, read_json


def test_an_object_comes_back(store: Store) -> None:
    store.write("a.json", b'{"b": [1]}')
    assert read_json(store, "a.json", keys=["b"]) == {"b": [1]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[1]", "it holds a list where an object should be"),
        (b'{"a": 1}', "it lacks b, c"),
    ],
)
def test_what_is_damaged_is_told(store: Store, data: bytes, says: str) -> None:
    store.write("a.json", data)
    with pytest.raises(IntegrityError, match=rf"/a.json is damaged \({says}.*\); make it anew"):
        read_json(store, "a.json", keys=["c", "a", "b"], remedy="make it anew")


def test_what_is_not_there_is_not_damaged(store: Store) -> None:
    with pytest.raises(NotFoundError):
        read_json(store, "a.json")
