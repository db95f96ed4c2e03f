"""Copies of shards on this machine's disk, kept between runs and shared by a user's processes.

    datasets/.lock                        exclusive lock while space is freed
    datasets/<id>/<split>/.use            lock shared by the split's users; its modification time is the last use
    datasets/<id>/<split>/<shard>         a copy
    datasets/<id>/<split>/.<shard>.want   exclusive lock of the fetching process; a sparse file that reserves the size
    datasets/<id>/<split>/.<shard>.new/   an incomplete download

Each copy is verified by checksum before use. To free space the cache evicts whole splits, the least recently used
first, and never one that a running process uses.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan.data.shards.file_lock import open_locked
from gan.data.spec import Dataset, Shard
from gan.errors import ConfigError, StoreError
from gan.util.cache_folder import cache_folder
from gan.util.env import env_float
from gan.util.formatting import format_bytes
from gan.util.ids import check_id, file_sha256

LIMIT_VARIABLE = "GAN_CACHE_GB"
DEFAULT_LIMIT_GB = 50.0
_GB = 10**9
_RESERVATION_SUFFIX = ".want"


class ShardCache:
    """The copies of one split's shards. They are not evicted before `close` or the end of the process.

    Raises:
        ConfigError: the split is larger than the cache's limit, or the limit is not a number.
        StoreError: there is not enough space, or the cache can't be written to.
    """

    def __init__(self, dataset: Dataset, split: str) -> None:
        self._root = cache_folder("datasets")
        self._folder = self._root / dataset.id / check_id(split, "split")
        self._shards = dataset.split(split).shards
        self._label = f'split "{split}" of dataset {dataset.id}'
        with self._disk_errors_translated(), open_locked(self._root / ".lock"):
            use = open_locked(self._folder / ".use", shared=True)
            try:
                self._make_room()
                self._reserve()
                os.utime(use.fileno())
            except BaseException:
                use.close()
                raise
        self._use = use

    def close(self) -> None:
        """Allow the split to be evicted."""
        self._use.close()

    def get(self, shard: Shard, fetch: Callable[[Path], None]) -> Path:
        """The file of a shard: the cached copy if it is intact, else what `fetch` writes to the path it is given.

        If several processes need the same shard, one fetches it and the others wait.

        Raises:
            StoreError: the disk is full.
        """
        path = self._folder / shard.name
        if is_intact(path, shard):
            return path
        reservation = self._reservation(shard)
        with self._disk_errors_translated(), open_locked(reservation):
            if not is_intact(path, shard):
                self._fetch(shard, fetch)
            reservation.unlink()
        return path

    def _fetch(self, shard: Shard, fetch: Callable[[Path], None]) -> None:
        partial = self._folder / f".{shard.name}.new"
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        partial.mkdir()
        try:
            fetch(partial / shard.name)
            (partial / shard.name).replace(self._folder / shard.name)
        except StoreError:
            if shutil.disk_usage(self._root).free < shard.bytes:
                raise self._disk_full_error() from None
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _make_room(self) -> None:
        """Evict unused splits until this one fits the limit and the disk."""
        limit = _limit_bytes()
        size = sum(shard.bytes for shard in self._shards)
        if size > limit:
            raise ConfigError(
                f"{self._label} has {format_bytes(size)}, more than the limit of {format_bytes(limit)} of the cache "
                f"{self._root}; set {LIMIT_VARIABLE} to more than {size / _GB:.3g}"
            )
        others = {folder: _reserved_bytes(folder) for folder in self._root.glob("*/*/") if folder != self._folder}
        missing_bytes = size - sum(path.stat().st_size for path in map(self._path, self._shards) if path.is_file())
        unused = sorted(others, key=_last_use)
        while size + sum(others.values()) > limit or missing_bytes > shutil.disk_usage(self._root).free:
            if not unused:
                raise (
                    self._disk_full_error()
                    if size + sum(others.values()) <= limit
                    else self._cache_full_error(size, limit)
                )
            if _remove_unless_used(unused[0]):
                del others[unused[0]]
            del unused[0]

    def _reserve(self) -> None:
        for shard in self._shards:
            if not self._path(shard).is_file():
                with self._reservation(shard).open("ab") as file:
                    file.truncate(shard.bytes)  # sparse: takes no disk space

    def _path(self, shard: Shard) -> Path:
        return self._folder / shard.name

    def _reservation(self, shard: Shard) -> Path:
        return self._folder / f".{shard.name}{_RESERVATION_SUFFIX}"

    def _cache_full_error(self, size: int, limit: int) -> StoreError:
        return StoreError(
            f"no room in the cache {self._root} for the {format_bytes(size)} of {self._label}: its limit is "
            f"{format_bytes(limit)}, and other processes are using the rest; wait for them, raise {LIMIT_VARIABLE}, or "
            "set XDG_CACHE_HOME to another folder"
        )

    def _disk_full_error(self) -> StoreError:
        return StoreError(
            f"the disk of the cache {self._root} is full, so {self._label} does not fit; free some space, or set "
            "XDG_CACHE_HOME to a folder on a larger disk, and run the same command again"
        )

    @contextmanager
    def _disk_errors_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._disk_full_error() from None
            raise StoreError(
                f"can't keep shards in {self._folder}: {error.strerror or error}; set XDG_CACHE_HOME to a folder "
                "that is writable"
            ) from None


def is_intact(path: Path, shard: Shard) -> bool:
    """Whether a file exists and has the checksum of a shard."""
    return path.is_file() and file_sha256(path) == shard.sha256


def _limit_bytes() -> int:
    return int(env_float(LIMIT_VARIABLE, DEFAULT_LIMIT_GB, "gigabytes") * _GB)


def _reserved_bytes(folder: Path) -> int:
    """Bytes of a split's copies, including those that are being fetched."""
    sizes: dict[str, int] = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # renamed since it was listed
            if path.is_file():
                name = path.name.removeprefix(".").removesuffix(_RESERVATION_SUFFIX)
                sizes[name] = max(sizes.get(name, 0), path.stat().st_size)
    return sum(sizes.values())


def _last_use(folder: Path) -> float:
    try:
        return (folder / ".use").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove_unless_used(folder: Path) -> bool:
    """Evict a split unless a running process uses it; whether it was evicted."""
    try:
        use = open_locked(folder / ".use", wait=False)
    except BlockingIOError:
        return False
    with use:
        shutil.rmtree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()  # unless it has another split
    return True
