"""Downloads a source from a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gan.data.source_files.file_source import FLAG
from gan.errors import DataError
from gan.store import Item, Store, check_key, is_bucket, open_store
from gan.store.cloud.transfer import TransferJob, transfer
from gan.util.scratch import scratch_folder


@contextmanager
def local_copy(where: str | None) -> Iterator[str | None]:
    """The local path of a source: a temporary copy if it is in a bucket, else `where` itself.

    Args:
        where: the value of `--source`: None, a path, `gs://bucket/raw/celeba` or `s3://bucket/pets.zip`.

    Raises:
        DataError: the file or folder does not exist.
        ConfigError, StoreError: the URI has no bucket, the bucket can't be read, or the disk is full.
    """
    if where is None or not is_bucket(where):
        yield where
        return
    with scratch_folder() as folder:
        yield str(_download(where.rstrip("/"), folder))


def _download(uri: str, folder: Path) -> Path:
    """The copy of the object `uri`, or of all objects below it."""
    store = open_store(uri, FLAG)
    items = [item for item in store.list() if item.key and not item.key.endswith("/")]  # a slash only marks a folder
    if items:
        _download_all(uri, store, items, folder)
        return folder
    parent, _, name = uri.rpartition("/")
    if parent.endswith("/"):  # an empty bucket
        raise _not_found(uri)
    parent_store = open_store(parent, FLAG)
    if not parent_store.exists(name):
        raise _not_found(uri)
    parent_store.download(name, folder / name)
    return folder / name


def _download_all(uri: str, store: Store, items: list[Item], folder: Path) -> None:
    jobs = [TransferJob(item.size, partial(store.download, item.key, folder / check_key(item.key))) for item in items]
    transfer(f"fetch {uri}", jobs)


def _not_found(uri: str) -> DataError:
    return DataError(f"no such file or folder: {uri}; check {FLAG}")
