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


class Store(ABC):
    """Durable objects under one URI.

    Every method raises `StoreError` where the storage fails for good (permission, full disk, unreachable), with what
    to do, and `ConfigError` for a key that would escape the store.
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
    def upload(self, key: str, path: Path) -> None:
        """Create or replace an object from a file of any size."""

    @abstractmethod
    def download(self, key: str, path: Path) -> None:
        """Copy an object into a file, which appears whole or not at all.

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
