"""Brings the shards of a split to this machine, checked."""

from __future__ import annotations

from pathlib import Path

from gan.data.cache import cache_folder
from gan.data.spec import Dataset, Shard
from gan.errors import IntegrityError
from gan.ids import file_sha256
from gan.store import Store, sealed
from gan.store.sealed import Damage


def stage(store: Store, dataset: Dataset, split: str) -> list[Path]:
    """Local files with the shards of a split, in order; the bytes of each were compared with its SHA-256 just now.

    Shards in a local store are used where they lie. Others are copied into the cache, where the next run finds them.

    Raises:
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is missing or its bytes are not those that were published.
    """
    return [_staged(store, dataset, shard) for shard in dataset.split(split).shards]


def _staged(store: Store, dataset: Dataset, shard: Shard) -> Path:
    key = f"{sealed.prefix_of('dataset', dataset.id)}/{shard.name}"
    path = store.local_path(key)
    if path is not None:
        return _checked(path, store.uri_of(key), shard)
    copy = cache_folder("datasets") / dataset.id / shard.name
    if copy.is_file() and file_sha256(copy) == shard.sha256:
        return copy
    return sealed.fetch_file(store, "dataset", dataset.id, shard.name, copy)


def _checked(path: Path, uri: str, shard: Shard) -> Path:
    found = file_sha256(path) if path.is_file() else None
    if found != shard.sha256:
        folder = uri.rpartition("/")[0]
        raise IntegrityError(
            f"{Damage(uri, shard.sha256, found)}; delete {folder} and prepare it again with: gan preprocess"
        )
    return path
