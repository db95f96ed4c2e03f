"""The files of a source: a folder or a zip, read safely.

An untrusted archive or folder may contain paths that lead out of it, or expand without end (a zip bomb). It is refused
as a whole, whatever `--on-bad-image` says.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath

from gan.errors import ConfigError, DataError
from gan.store import local_path

MAX_COMPRESSION_RATIO = 100
MIN_BYTES_FOR_RATIO_CHECK = 1 << 20
MAX_FILE_BYTES = 1 << 28
FLAG = "data.source (--source)"
_ENCRYPTED = 0x1


class FileSource(ABC):
    """Files by relative name, with forward slashes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> list[str]:
        """Every file, sorted, without hidden files and those that operating systems add."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            DataError: it can't be read.
        """

    def close(self) -> None:  # noqa: B027
        """Close open files."""


class FolderSource(FileSource):
    """A folder. Symbolic links to files inside it are followed; links out of it are refused."""

    def names(self) -> list[str]:  # noqa: D102
        root = self.path.resolve()
        found = []
        for folder, folders, files in os.walk(root, onerror=_raise_unreadable):
            folders[:] = [name for name in folders if not _is_hidden(name)]
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.is_symlink() and not path.resolve().is_relative_to(root):
                    raise DataError(
                        f"{path} is a symbolic link to {path.resolve()}, outside the source {self.path}; "
                        "replace it by a copy, or remove it"
                    )
            found += [Path(folder, name).relative_to(root).as_posix() for name in files if not _is_hidden(name)]
        for name in found:
            self._check_name(name)
        return sorted(found)

    def _check_name(self, name: str) -> None:
        try:
            name.encode()
        except UnicodeEncodeError:
            written = os.fsencode(name).decode("utf-8", "backslashreplace")
            raise DataError(
                f'{self.path} holds a file whose name is not UTF-8: "{written}"; rename it or remove it'
            ) from None

    def read(self, name: str) -> bytes:  # noqa: D102
        path = self.path / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise DataError(f"{path} is not a regular file; remove it from the source")
            if path.stat().st_size > MAX_FILE_BYTES:
                raise DataError(f"{path} has {path.stat().st_size} bytes; an image has at most {MAX_FILE_BYTES}")
            return path.read_bytes()
        except OSError as error:
            raise unreadable_error(path, error) from None


class ZipSource(FileSource):
    """A zip, read without extracting it.

    Raises:
        DataError: it is not a zip, or not safe to read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise unreadable_error(path, error) from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DataError(f"{path} is not a whole zip archive ({error}); download or make it again") from None
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def names(self) -> list[str]:  # noqa: D102
        return sorted(
            info.filename
            for info in self._zip.infolist()
            if not info.is_dir() and not any(_is_hidden(part) for part in PurePosixPath(info.filename).parts)
        )

    def read(self, name: str) -> bytes:  # noqa: D102
        size = self._zip.getinfo(name).file_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"{name} in {self.path} has {size} bytes; an image has at most {MAX_FILE_BYTES}")
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
            raise DataError(f"{name} in {self.path} can't be read: {error}; download or make it again") from None

    def close(self) -> None:  # noqa: D102
        self._zip.close()

    def _check(self) -> None:
        seen: set[str] = set()
        packed = expanded = 0
        for info in self._zip.infolist():
            self._check_member(info, seen)
            seen.add(info.filename)
            packed, expanded = packed + info.compress_size, expanded + info.file_size
        self._check_ratio("all of it", expanded, min(packed, self.path.stat().st_size))

    def _check_member(self, info: zipfile.ZipInfo, seen: set[str]) -> None:
        name = info.filename
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in info.orig_filename or ".." in parts or (parts and ":" in parts[0]):
            self._refuse(f'its file "{info.orig_filename}" has a path outside the archive')
        if stat.S_ISLNK(info.external_attr >> 16):
            self._refuse(f'its file "{name}" is a symbolic link')
        if info.flag_bits & _ENCRYPTED:
            self._refuse(f'its file "{name}" is encrypted')
        if name in seen:
            self._refuse(f'its file "{name}" is there twice')
        self._check_ratio(f'its file "{name}"', info.file_size, info.compress_size)

    def _check_ratio(self, what: str, expanded: int, packed: int) -> None:
        if expanded >= MIN_BYTES_FOR_RATIO_CHECK and expanded > MAX_COMPRESSION_RATIO * packed:
            self._refuse(
                f"{what} is compressed {expanded // max(packed, 1)} times, from {expanded} to {packed} bytes, "
                f"but images compress at most {MAX_COMPRESSION_RATIO} times"
            )

    def _refuse(self, reason: str) -> None:
        raise DataError(
            f"{self.path} is refused: {reason}; use an archive that you trust, "
            "or extract it yourself and give the folder"
        )


def open_file_source(path: Path) -> FileSource:
    """The folder or zip at `path`.

    Raises:
        DataError: it does not exist, is neither a folder nor a zip, or is unsafe to read.
    """
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise DataError(f"no such file or folder: {path}; check {FLAG}")


def source_path(where: str | None, what: str) -> Path:
    """The path in `--source`.

    Args:
        where: a path or a `file://` URI (`gan.data.source_files.remote` downloads from buckets); None if it was not
            given.
        what: what it should hold, for messages.

    Raises:
        ConfigError: it was not given, or is another kind of URI.
        DataError: the path does not exist.
    """
    if not where:
        raise ConfigError(f"{FLAG} is needed: {what}")
    path = local_path(where, FLAG)
    if path is None:
        raise ConfigError(
            f'{FLAG} must be a path, a file:// URI, or gs://bucket/folder or s3://bucket/folder; got "{where}"'
        )
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; {FLAG} must be {what}")
    return path


def unreadable_error(path: Path | str, error: OSError) -> DataError:
    """The error for a source file that this user can't read."""
    return DataError(f"can't read {path}: {error.strerror or error}; make it readable for this user")


def _raise_unreadable(error: OSError) -> None:
    raise unreadable_error(error.filename, error)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in {"__MACOSX", "Thumbs.db", "desktop.ini"}
