"""The requests that a bucket's service must support, one a method; `BucketStore` builds a store from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from gan.errors import StoreError
from gan.store.cloud.content import Content
from gan.store.interface import IncompleteUpload, Item

SHA256 = "gan-sha256"  # the object metadata that holds the SHA-256 of the bytes
PAGE = 1000


class MissingError(Exception):
    """There is no such object, or no such bucket."""


class PreconditionFailedError(Exception):
    """The condition of a conditional request does not hold (HTTP 412)."""


def no_bucket(uri: str) -> StoreError:
    """The error for a missing bucket."""
    return StoreError(f"there is no bucket {uri}; create it, or name another one with --store")


@dataclass(frozen=True)
class Absent:
    """Write only if there is no object."""


@dataclass(frozen=True)
class Unchanged:
    """Write only over this version."""

    version: str


Condition = Absent | Unchanged | None


@dataclass(frozen=True)
class Stat:
    """What the service recorded of an object; a checksum that it does not have is empty."""

    size: int
    version: str
    sha256: str = ""
    crc32c: str = ""


@dataclass(frozen=True)
class Reading:
    """An object's bytes from an offset on. `stat` describes the whole object."""

    stat: Stat
    blocks: Iterator[bytes]


@dataclass(frozen=True)
class Page:
    """Part of a listing, with full keys; `next_token` requests the next part."""

    items: tuple[Item, ...]
    next_token: str | None


class Upload(Protocol):
    """An upload that may take several attempts."""

    @property
    def bytes_done(self) -> int:
        """How many bytes the service has already."""

    def attempt(self) -> str:
        """Send the rest; returns the object's version."""


class ObjectApi(ABC):
    """One bucket. Methods take full keys and send one request, without retries.

    Every method raises `MissingError`, `PreconditionFailedError`, `TransientError` for what a retry may fix, and
    `StoreError` with a remedy for anything else. Each may be called from several threads.
    """

    uri: str  # gs://bucket
    encrypted: bool  # over https, so that no byte changes unnoticed on the way
    crc32c: bool = False  # whether uploads need that checksum

    @abstractmethod
    def stat(self, key: str) -> Stat:
        """What the service recorded of an object."""

    @abstractmethod
    def open(self, key: str, *, start: int, version: str | None) -> AbstractContextManager[Reading]:
        """An object's bytes from `start` on; with `version`, PreconditionFailedError or MissingError if it changed."""

    @abstractmethod
    def upload(self, key: str, content: Content, condition: Condition) -> Upload:
        """Prepare an upload; nothing is sent before the first attempt."""

    @abstractmethod
    def page(self, prefix: str, token: str | None, *, size: int = PAGE) -> Page:
        """At most `size` objects whose keys start with `prefix`; StoreError where the bucket is missing."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Delete an object."""

    @abstractmethod
    def now(self) -> float:
        """The service's clock."""

    def incomplete_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        """Incomplete uploads, if the service keeps any."""
        return iter(())

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Abort an incomplete upload."""
        raise NotImplementedError(upload)
