"""Shards on their way to the machine that reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gan.data.stage import stage
from gan.errors import IntegrityError, NotFoundError
from gan.ids import file_sha256
from gan.store import LocalStore


class Remote(LocalStore):
    """A store whose files can't be reached by path, as in a bucket."""

    def local_path(self, key: str) -> None:  # type: ignore[override]
        return None


def test_local_shards_are_used_in_place(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    paths = stage(store, dataset, "train")
    assert paths == [store.root / "datasets" / dataset.id / shard.name for shard in dataset.splits["train"].shards]
    assert len(paths) > 1


def test_remote_shards_are_copied_once(make_dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, dataset = make_dataset()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    remote = Remote(store.root)
    paths = stage(remote, dataset, "train")
    assert all(path.is_relative_to(tmp_path / "cache") for path in paths)
    assert [file_sha256(path) for path in paths] == [shard.sha256 for shard in dataset.splits["train"].shards]
    paths[0].write_bytes(b"spoilt")
    kept = paths[1].stat().st_ino
    assert stage(remote, dataset, "train") == paths
    assert file_sha256(paths[0]) == dataset.splits["train"].shards[0].sha256
    assert paths[1].stat().st_ino == kept


@pytest.mark.parametrize("kind", [LocalStore, Remote])
def test_damage_is_found(kind: type[LocalStore], make_dataset: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made, dataset = make_dataset()
    store = kind(made.root)
    shard = made.root / "datasets" / dataset.id / dataset.splits["train"].shards[1].name
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError, match=f"{shard.name} has SHA-256"):
        stage(store, dataset, "train")
    shard.unlink()
    with pytest.raises(IntegrityError, match=f"{shard.name} is missing"):
        stage(store, dataset, "train")


def test_an_unknown_split(make_dataset: Any) -> None:
    with pytest.raises(NotFoundError, match='no split "test"; it has: train'):
        stage(*make_dataset(), "test")
