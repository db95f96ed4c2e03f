"""What every store can do. One file beside this one implements it for each kind of storage.

A key is a relative path with forward slashes, such as `runs/r1/config.yaml`. A reader sees all of an object or
none of it: writes never show a half-written object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gan.errors import ConfigError

PROBES = ".probes"
"""The folder in which a store is tried out; what lies there is nobody's."""


@dataclass(frozen=True)
class Item:
    """One object in a listing. `size` in bytes, `modified` in seconds since 1970."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True)
class Versioned:
    """An object's bytes with the version that `swap` expects. `version` is None where there is no object."""

    data: bytes
    version: str | None


@dataclass(frozen=True)
class IncompleteUpload:
    """What a killed writer left behind that is no object: a temporary file, an unfinished upload.

    `name` is for people and for `discard`; `size` in bytes, `modified` in seconds since 1970 by the storage's clock.
    """

    name: str
    size: int
    modified: float


class Store(ABC):
    """Durable objects under one URI. Every method may be called from several threads and processes at once.

    Every method raises `StoreError` where the storage fails for good (permission, full disk, missing bucket), with
    what to do; `UnavailableError`, one of these, where it did not answer for too long, though it was asked again and
    again; and `ConfigError` for a key that would escape the store. Bytes that a method returns or writes to a file are
    those that the storage has on record: what was changed on the way is noticed and sent again.
    """

    uri: str

    def uri_of(self, key: str) -> str:
        """The full URI of an object or prefix."""
        return f"{self.uri.rstrip('/')}/{key}"

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is an object under this very key."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """All bytes of an object.

        Raises:
            NotFoundError: there is none.
        """

    @abstractmethod
    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """Create or replace an object.

        Raises:
            AlreadyExistsError: `if_absent`, and there is one.
        """

    @abstractmethod
    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> str:
        """Create or replace an object from a file of any size, in little memory.

        Returns:
            The SHA-256 of its bytes in hexadecimal.

        Raises:
            AlreadyExistsError: `if_absent`, and there is one.
        """

    @abstractmethod
    def download(self, key: str, path: Path) -> str:
        """Copy an object into a file, which appears whole or not at all.

        Returns:
            The SHA-256 of the bytes that came, in hexadecimal.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    def sha256(self, key: str) -> str:
        """The SHA-256 of an object's bytes in hexadecimal: what the storage has on record, or by reading them.

        It tells two objects apart. It proves nothing of what the next read returns.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Item]:
        """Every object whose key starts with the folder `prefix`, sorted by key."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""

    @abstractmethod
    def read_versioned(self, key: str) -> Versioned:
        """An object with its version, for `swap`; empty bytes and version None where there is none."""

    @abstractmethod
    def swap(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Replace an object only if its version is still `expected` (None: only if there is none).

        Returns:
            The new version.

        Raises:
            ConflictError: somebody else was faster.
        """

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970 by the clock that gives objects their `modified`."""

    @abstractmethod
    def leftovers(self) -> Iterator[IncompleteUpload]:
        """What killed writers left behind, and what is being written right now."""

    @abstractmethod
    def discard(self, leftover: IncompleteUpload) -> None:
        """Remove a leftover; nothing happens where it is gone."""

    @abstractmethod
    def require_conditions(self) -> None:
        """Make sure, once a process, that the storage enforces "if absent" and "if unchanged" by trying both.

        Raises:
            StoreError: it ignores them, so that racing writers would overwrite each other unnoticed.
        """

    def local_path(self, key: str) -> Path | None:
        """The file behind a key where the store is a local folder; None elsewhere."""
        return None


def check_key(key: str) -> str:
    """`key` if it names a place inside the store.

    Raises:
        ConfigError: it is empty, absolute, or climbs with `..`.
    """
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key or "\\" in key:
        raise ConfigError(f"a store key must be a relative path inside the store; got {key!r}")
    return key
