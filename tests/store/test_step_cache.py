from __future__ import annotations

from pathlib import Path

import pytest

from gan.store import Store, immutable, step_cache


def test_a_recipe_recalls_what_it_made(store: Store) -> None:
    assert step_cache.get(store, "reference", {"a": 1}) is None
    step_cache.put(store, "reference", {"a": 1, "b": 2}, "ref-1")
    assert step_cache.get(store, "reference", {"b": 2, "a": 1}) == "ref-1"
    assert step_cache.get(store, "reference", {"a": 1}) is None
    assert step_cache.get(store, "export", {"a": 1, "b": 2}) is None


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"\xff", b'{"id": "x"}', b'{"id": "x", "recipe": {"a": 1}}', b'{"id": "../x", "recipe": {}}'],
)
def test_a_damaged_entry_counts_as_missing(store: Store, data: bytes) -> None:
    step_cache.put(store, "x", {}, "id")
    (item,) = store.list("recipes")
    store.write(item.key, data)
    assert step_cache.get(store, "x", {}) is None


def test_a_cache_hit_rewrites_its_entry(store: Store, tmp_path: Path) -> None:
    """gc keeps what a fresh entry names: a skipped step must say that its output is about to be used."""
    assert step_cache.published(store, "preprocess", {"a": 1}, "dataset") is None
    step_cache.put(store, "preprocess", {"a": 1}, "d-1")
    assert step_cache.published(store, "preprocess", {"a": 1}, "dataset") is None, "it is not there"
    file = tmp_path / "file"
    file.write_bytes(b"")
    immutable.publish(store, "dataset", "d-1", {"file": file})
    (before,) = step_cache.entries(store)
    assert step_cache.published(store, "preprocess", {"a": 1}, "dataset") == "d-1"
    (after,) = step_cache.entries(store)
    assert (after.step, after.object_id, after.recipe) == ("preprocess", "d-1", {"a": 1})
    assert after.item.modified >= before.item.modified


def test_a_damaged_entry_is_listed_as_damaged(store: Store) -> None:
    step_cache.put(store, "x", {}, "id")
    (entry,) = step_cache.entries(store)
    store.write(entry.item.key, b"{")
    store.write("recipes/.DS_Store", b"")
    assert [(each.step, each.object_id) for each in step_cache.entries(store)] == [("x", None)]
