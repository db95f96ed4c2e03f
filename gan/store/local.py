"""A store in a local folder.

Each write goes to a temporary file under `.tmp/`, is flushed to the disk, and then renamed into place. `swap` holds
an exclusive lock on the file `.lock`; the version of an object is the SHA-256 of its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gan.errors import AlreadyExistsError, ConflictError, NotFoundError, StoreError
from gan.store.atomic_file import atomic_file
from gan.store.interface import IncompleteUpload, Item, Store, Versioned, check_key
from gan.util.ids import file_sha256, sha256

TEMPORARY, LOCK = ".tmp", ".lock"
COPY_BYTES = 1 << 20
MAX_RENAME_ATTEMPTS = 100


class LocalStore(Store):
    """Objects are files below `root`, which the first write creates."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.uri = str(self.root)

    def exists(self, key: str) -> bool:  # noqa: D102
        with self._translated_errors(key):
            return self._path(key).is_file()

    def read(self, key: str) -> bytes:  # noqa: D102
        with self._translated_errors(key):
            return self._path(key).read_bytes()

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:  # noqa: D102
        with self._translated_errors(key), self._temporary_file() as (file, temporary):
            file.write(data)
            self._commit(file, temporary, self._path(key), if_absent=if_absent)

    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> str:  # noqa: D102
        with self._translated_errors(key), self._temporary_file() as (file, temporary), path.open("rb") as source:
            digest = _copy(source, file)
            self._commit(file, temporary, self._path(key), if_absent=if_absent)
        return digest

    def download(self, key: str, path: Path) -> str:  # noqa: D102
        with self._translated_errors(key), self._path(key).open("rb") as source, atomic_file(path) as file:
            return _copy(source, file)

    def sha256(self, key: str) -> str:  # noqa: D102
        with self._translated_errors(key):
            return file_sha256(self._path(key))

    def list(self, prefix: str = "") -> Iterator[Item]:  # noqa: D102
        top = self._path(prefix) if prefix else self.root
        with self._translated_errors(prefix):
            found = sorted(path.relative_to(self.root).as_posix() for path in top.rglob("*") if path.is_file())
        for key in found:
            if key.partition("/")[0] in (TEMPORARY, LOCK):
                continue
            try:
                status = (self.root / key).stat()
            except FileNotFoundError:
                continue  # deleted since the listing
            yield Item(key, status.st_size, status.st_mtime)

    def delete(self, key: str) -> None:  # noqa: D102
        path = self._path(key)
        with self._translated_errors(key):
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self.root:
                    break
                try:
                    folder.rmdir()
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                        break
                    raise

    def read_versioned(self, key: str) -> Versioned:  # noqa: D102
        try:
            data = self.read(key)
        except NotFoundError:
            return Versioned(b"", None)
        return Versioned(data, sha256(data))

    def swap(self, key: str, data: bytes, *, expected: str | None) -> str:  # noqa: D102
        with self._lock():
            if self.read_versioned(key).version != expected:
                raise ConflictError(f"{self.uri_of(key)} was changed by somebody else; read it again and retry")
            self.write(key, data)
        return sha256(data)

    def now(self) -> float:  # noqa: D102
        with self._translated_errors(TEMPORARY), self._temporary_file() as (_, path):
            return path.stat().st_mtime

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:  # noqa: D102
        for path in sorted((self.root / TEMPORARY).glob("*")):
            with contextlib.suppress(FileNotFoundError):  # finished since the listing
                status = path.stat()
                yield IncompleteUpload(f"{TEMPORARY}/{path.name}", status.st_size, status.st_mtime)

    def abort_upload(self, upload: IncompleteUpload) -> None:  # noqa: D102
        with self._translated_errors(upload.name):
            self._path(upload.name).unlink(missing_ok=True)

    def require_conditions(self) -> None:
        """A local folder enforces them with hard links and a lock."""

    def local_path(self, key: str) -> Path:  # noqa: D102
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextmanager
    def _translated_errors(self, key: str) -> Iterator[None]:
        """Turn errors of the operating system into store errors that say what to do."""
        where = self.uri_of(key)
        try:
            yield
        except FileNotFoundError:
            raise NotFoundError(f"nothing in the store at {where}") from None
        except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise StoreError(f"{where} is in the way: {error.strerror}; point --store at another folder") from None
        except PermissionError:
            raise StoreError(
                f"no permission for {where}; make the folder writable for this user, or give another --store"
            ) from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreError(
                    f"the disk of {self.uri} is full; free some space and run the same command again"
                ) from None
            if error.errno == errno.EROFS:
                raise StoreError(f"{where} is on a read-only file system; give another --store") from None
            raise StoreError(f"{where}: {error.strerror or error}") from error

    @contextmanager
    def _temporary_file(self) -> Iterator[tuple[tempfile._TemporaryFileWrapper[bytes], Path]]:
        folder = self.root / TEMPORARY
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:  # on a file system without folders to write to, such as /proc
            raise StoreError(f"can't make the folder {folder}; give another --store") from None
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            path = Path(file.name)
            try:
                yield file, path
            finally:
                path.unlink(missing_ok=True)

    def _commit(
        self, file: tempfile._TemporaryFileWrapper[bytes], temporary: Path, path: Path, *, if_absent: bool
    ) -> None:
        file.flush()
        os.fsync(file.fileno())
        temporary.chmod(0o644)
        for attempts_left in reversed(range(MAX_RENAME_ATTEMPTS)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _rename(temporary, path, if_absent=if_absent)
                break
            except (FileNotFoundError, FileExistsError):  # `delete` removed the folder while it was still empty
                if not attempts_left:
                    raise
        with contextlib.suppress(FileNotFoundError):  # already deleted, with its folder
            _flush_folder(path.parent)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self._translated_errors(LOCK):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / LOCK).open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy everything; returns the SHA-256 of the bytes."""
    digest = hashlib.sha256()
    while block := source.read(COPY_BYTES):
        target.write(block)
        digest.update(block)
    return digest.hexdigest()


def _rename(temporary: Path, path: Path, *, if_absent: bool) -> None:
    if not if_absent:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise AlreadyExistsError(f"{path} exists already") from None


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
