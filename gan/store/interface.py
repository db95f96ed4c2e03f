"""What every store can do; `local.py` and `cloud/bucket.py` implement it.

A key is a relative path with forward slashes, such as `runs/r1/config.yaml`. Writes are atomic: a reader never sees a
half-written object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gan.errors import ConfigError

PROBES = ".probes"
"""The folder for objects that only test what a store can do."""


@dataclass(frozen=True)
class Item:
    """One object in a listing. `size` in bytes, `modified` in seconds since 1970."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True)
class Versioned:
    """An object's bytes and the version that `swap` expects; `version` is None where there is no object."""

    data: bytes
    version: str | None


@dataclass(frozen=True)
class IncompleteUpload:
    """A temporary file or unfinished upload, which a killed writer may have left.

    `name` is for people and `abort_upload`; `size` in bytes, `modified` in seconds since 1970 by the storage's clock.
    """

    name: str
    size: int
    modified: float


class Store(ABC):
    """Durable objects under one URI. Every method may be called from several threads and processes at once.

    Every method raises `StoreError`, with a remedy, for a permanent failure (permission, full disk, no bucket); the
    subclass `UnavailableError` where the storage did not answer until the retries ended; and `ConfigError` for a key
    outside the store. Bytes are checked against the storage's checksum: what was corrupted on the way is sent again.
    """

    uri: str

    def uri_of(self, key: str) -> str:
        """The full URI of an object or prefix."""
        return f"{self.uri.rstrip('/')}/{key}"

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is an object under exactly this key."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """All bytes of an object.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """Create or replace an object.

        Raises:
            AlreadyExistsError: `if_absent`, and the object exists.
        """

    @abstractmethod
    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> str:
        """Create or replace an object from a file of any size, without loading it whole.

        Returns:
            The SHA-256 of its bytes in hexadecimal.

        Raises:
            AlreadyExistsError: `if_absent`, and the object exists.
        """

    @abstractmethod
    def download(self, key: str, path: Path) -> str:
        """Copy an object into a file, which appears whole or not at all.

        Returns:
            The SHA-256 of the received bytes, in hexadecimal.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    def sha256(self, key: str) -> str:
        """The SHA-256 of an object's bytes in hexadecimal: as the storage recorded it, or by reading them.

        It tells two objects apart, but does not prove what the next read returns.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Item]:
        """Every object whose key starts with the folder `prefix`, sorted by key."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""

    @abstractmethod
    def read_versioned(self, key: str) -> Versioned:
        """An object with its version, for `swap`; empty bytes and version None if it does not exist."""

    @abstractmethod
    def swap(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Replace an object only if its version is still `expected` (None: only if it does not exist).

        Returns:
            The new version.

        Raises:
            ConflictError: somebody else changed it first.
        """

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970 by the clock that gives objects their `modified`."""

    @abstractmethod
    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """What killed writers left, and what is being written right now."""

    @abstractmethod
    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Delete an incomplete upload, if it still exists."""

    @abstractmethod
    def require_conditions(self) -> None:
        """Check, once per process and by trying, that the storage enforces "if absent" and "if unchanged".

        Raises:
            StoreError: it ignores them, so racing writers would silently overwrite each other.
        """

    def local_path(self, key: str) -> Path | None:
        """The file behind a key of a local store; None for other stores."""
        return None


def check_key(key: str) -> str:
    """`key` if it stays inside the store.

    Raises:
        ConfigError: it is empty, absolute, or has `..` in it.
    """
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key or "\\" in key:
        raise ConfigError(f"a store key must be a relative path inside the store; got {key!r}")
    return key
