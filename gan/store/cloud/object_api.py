"""What a bucket's service must be able to do, one request a method; `BucketStore` builds the rest of a store on it."""

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
    """The condition of a conditional request does not hold."""


def no_bucket(uri: str) -> StoreError:
    """What to raise where the bucket itself is missing."""
    return StoreError(f"there is no bucket {uri}; create it, or name another one with --store")


@dataclass(frozen=True)
class Absent:
    """Write only where there is nothing."""


@dataclass(frozen=True)
class Unchanged:
    """Write only over this version."""

    version: str


Condition = Absent | Unchanged | None


@dataclass(frozen=True)
class Stat:
    """What the service has on record of an object; a checksum is "" where it has none."""

    size: int
    version: str
    sha256: str = ""
    crc32c: str = ""


@dataclass(frozen=True)
class Reading:
    """An object's bytes from some place on. `stat` is that of the whole object."""

    stat: Stat
    blocks: Iterator[bytes]


@dataclass(frozen=True)
class Page:
    """Part of a listing, with full keys; `following` leads to the next part."""

    items: tuple[Item, ...]
    following: str | None


class Upload(Protocol):
    """An upload that may take several attempts."""

    @property
    def reached(self) -> int:
        """How many bytes need not be sent again."""

    def attempt(self) -> str:
        """Send what is left; returns the object's version."""


class ObjectApi(ABC):
    """One bucket. Methods take full keys and do not ask twice.

    Every method raises `MissingError`, `PreconditionFailedError`, `TransientError` for what may pass, and `StoreError`
    with a remedy for what does not. Each may be called from several threads.
    """

    uri: str  # gs://bucket
    encrypted: bool  # over https, so that no byte changes on the way unnoticed
    crc32c: bool = False  # whether uploads need that checksum

    @abstractmethod
    def stat(self, key: str) -> Stat:
        """What is on record of an object."""

    @abstractmethod
    def open(self, key: str, *, start: int, version: str | None) -> AbstractContextManager[Reading]:
        """An object's bytes from `start` on; `version`: RefusedError or MissingError if it is another by now."""

    @abstractmethod
    def upload(self, key: str, content: Content, condition: Condition) -> Upload:
        """Prepare to write an object; nothing is sent before the first attempt."""

    @abstractmethod
    def page(self, prefix: str, token: str | None, *, size: int = PAGE) -> Page:
        """At most `size` objects whose keys start with `prefix`; StoreError where the bucket is missing."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Delete an object."""

    @abstractmethod
    def now(self) -> float:
        """The service's clock."""

    def leftovers(self, prefix: str) -> Iterator[IncompleteUpload]:
        """Unfinished uploads, where the service keeps any."""
        return iter(())

    def discard(self, leftover: IncompleteUpload) -> None:
        """Abort an unfinished upload."""
        raise NotImplementedError(leftover)
