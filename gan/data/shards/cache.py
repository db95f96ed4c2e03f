"""Copies of shards on this machine's disk, kept between runs and shared by the processes of a user.

    datasets/.lock                        held alone by who makes room
    datasets/<id>/<split>/.use            shared by those who use the split; its time is that of the last use
    datasets/<id>/<split>/<shard>         a copy
    datasets/<id>/<split>/.<shard>.want   held alone by who fetches it; of the shard's size, to count as if there
    datasets/<id>/<split>/.<shard>.new/   where it arrives

What lies there is compared with its checksum before each use. A split goes as a whole when room is needed: the one
least recently used first, and none that a living process uses.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan.data.prepare.download_cache import cache_folder
from gan.data.shards.file_lock import open_locked
from gan.data.spec import Dataset, Shard
from gan.errors import ConfigError, StoreError
from gan.util.env import env_float
from gan.util.ids import check_id, file_sha256

LIMIT_VARIABLE = "GAN_CACHE_GB"
DEFAULT_LIMIT_GB = 50.0
_GB = 10**9
_RESERVATION_SUFFIX = ".want"


class ShardCache:
    """The copies of one split's shards. None of them is removed before `close`, or the end of the process.

    Raises:
        ConfigError: the split is larger than the cache may be, or its limit is no number.
        StoreError: there is no room for it, or the cache can't be written to.
    """

    def __init__(self, dataset: Dataset, split: str) -> None:
        self._top = cache_folder("datasets")
        self._folder = self._top / dataset.id / check_id(split, "split")
        self._shards = dataset.split(split).shards
        self._what = f'split "{split}" of dataset {dataset.id}'
        with self._explained(), open_locked(self._top / ".lock"):
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
        """Let others have the room."""
        self._use.close()

    def copy(self, shard: Shard, fetch: Callable[[Path], None]) -> Path:
        """The file of a shard: the copy where there is a sound one, else what `fetch` writes to the path it is given.

        Of several processes that want the same shard one fetches it, and the others wait.

        Raises:
            StoreError: the disk is full.
        """
        path = self._folder / shard.name
        if is_intact(path, shard):
            return path
        want = self._want(shard)
        with self._explained(), open_locked(want):
            if not is_intact(path, shard):
                self._fetch(shard, fetch)
            want.unlink()
        return path

    def _fetch(self, shard: Shard, fetch: Callable[[Path], None]) -> None:
        arriving = self._folder / f".{shard.name}.new"
        shutil.rmtree(arriving, ignore_errors=True)  # of a process that was killed
        arriving.mkdir()
        try:
            fetch(arriving / shard.name)
            (arriving / shard.name).replace(self._folder / shard.name)
        except StoreError:
            if shutil.disk_usage(self._top).free < shard.bytes:
                raise self._full() from None
            raise
        finally:
            shutil.rmtree(arriving, ignore_errors=True)

    def _make_room(self) -> None:
        """Remove splits that nobody uses until this one fits the limit and the disk."""
        limit = _limit_bytes()
        size = sum(shard.bytes for shard in self._shards)
        if size > limit:
            raise ConfigError(
                f"{self._what} has {_format_gigabytes(size)}, and the cache {self._top} may have {_format_gigabytes(limit)}; "
                f"set {LIMIT_VARIABLE} to more than {size / _GB:.3g}"
            )
        others = {folder: _reserved_bytes(folder) for folder in self._top.glob("*/*/") if folder != self._folder}
        missing = size - sum(path.stat().st_size for path in map(self._path, self._shards) if path.is_file())
        idle = sorted(others, key=_last_use)
        while size + sum(others.values()) > limit or missing > shutil.disk_usage(self._top).free:
            if not idle:
                raise self._full() if size + sum(others.values()) <= limit else self._in_use(size, limit)
            if _remove_unless_used(idle[0]):
                del others[idle[0]]
            del idle[0]

    def _reserve(self) -> None:
        for shard in self._shards:
            if not self._path(shard).is_file():
                with self._want(shard).open("ab") as file:
                    file.truncate(shard.bytes)  # a hole: it takes no room on the disk

    def _path(self, shard: Shard) -> Path:
        return self._folder / shard.name

    def _want(self, shard: Shard) -> Path:
        return self._folder / f".{shard.name}{_RESERVATION_SUFFIX}"

    def _in_use(self, size: int, limit: int) -> StoreError:
        return StoreError(
            f"no room in the cache {self._top} for the {_format_gigabytes(size)} of {self._what}: it may have "
            f"{_format_gigabytes(limit)}, and what other processes use of it can't go; wait for them, set {LIMIT_VARIABLE} higher, or "
            "XDG_CACHE_HOME to another folder"
        )

    def _full(self) -> StoreError:
        return StoreError(
            f"the disk of the cache {self._top} is full, so {self._what} does not fit; free some space, or set "
            "XDG_CACHE_HOME to a folder on a larger disk, and run the same command again"
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full() from None
            raise StoreError(
                f"can't keep shards in {self._folder}: {error.strerror or error}; set XDG_CACHE_HOME to a folder "
                "that is writable"
            ) from None


def is_intact(path: Path, shard: Shard) -> bool:
    """Whether a file is there and holds the bytes of a shard."""
    return path.is_file() and file_sha256(path) == shard.sha256


def _limit_bytes() -> int:
    return int(env_float(LIMIT_VARIABLE, DEFAULT_LIMIT_GB, "gigabytes") * _GB)


def _format_gigabytes(size: int) -> str:
    return f"{size / _GB:.3g} GB"


def _reserved_bytes(folder: Path) -> int:
    """Bytes of a split's copies, those included that are on their way."""
    sizes: dict[str, int] = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # arrived since it was listed
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
    """Remove a split, unless a living process uses it."""
    try:
        use = open_locked(folder / ".use", wait=False)
    except BlockingIOError:
        return False
    with use:
        shutil.rmtree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()  # unless it has another split
    return True
