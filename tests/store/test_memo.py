from __future__ import annotations

import pytest

from gan.store import Store, memo


def test_a_recipe_recalls_what_it_made(store: Store) -> None:
    assert memo.recall(store, "reference", {"a": 1}) is None
    memo.remember(store, "reference", {"a": 1, "b": 2}, "ref-1")
    assert memo.recall(store, "reference", {"b": 2, "a": 1}) == "ref-1"
    assert memo.recall(store, "reference", {"a": 1}) is None
    assert memo.recall(store, "export", {"a": 1, "b": 2}) is None


@pytest.mark.parametrize(
    "note",
    [b"{", b"[]", b"\xff", b'{"id": "x"}', b'{"id": "x", "recipe": {"a": 1}}', b'{"id": "../x", "recipe": {}}'],
)
def test_a_damaged_note_is_as_none(store: Store, note: bytes) -> None:
    memo.remember(store, "x", {}, "id")
    (item,) = store.list("recipes")
    store.write(item.key, note)
    assert memo.recall(store, "x", {}) is None
