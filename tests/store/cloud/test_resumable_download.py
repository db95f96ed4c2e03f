from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gan.errors import IntegrityError
from gan.store.cloud.bucket import ResumableDownload
from gan.store.cloud.content import Content
from gan.store.cloud.object_api import (
    Condition,
    MissingError,
    ObjectApi,
    Page,
    PreconditionFailedError,
    Reading,
    Stat,
    Upload,
)
from gan.store.interface import Item
from gan.util.retry import TransientError


class Shelf(ObjectApi):
    """One object in memory; `breaks` are the places at which a reading breaks off, `starts` where each began."""

    uri, encrypted = "mem://shelf", True

    def __init__(self, data: bytes) -> None:
        self.data, self.version = data, "1"
        self.expected = hashlib.sha256(data).hexdigest()
        self.breaks: list[int] = []
        self.starts: list[int] = []

    @contextmanager
    def open(self, key: str, *, start: int, version: str | None) -> Iterator[Reading]:
        if not self.data:
            raise MissingError
        if version not in (None, self.version):
            raise PreconditionFailedError
        self.starts.append(start)
        stop = self.breaks.pop(0) if self.breaks else len(self.data)
        yield Reading(Stat(len(self.data), self.version, self.expected), iter([self.data[start:stop]]))

    def replace(self, data: bytes, version: str) -> None:
        self.data, self.version, self.expected = data, version, hashlib.sha256(data).hexdigest()

    def stat(self, key: str) -> Stat:
        raise NotImplementedError

    def upload(self, key: str, content: Content, condition: Condition) -> Upload:
        raise NotImplementedError

    def page(self, prefix: str, token: str | None, *, size: int = 0) -> Page:
        return Page((Item("k", 0, 0.0),), None)

    def remove(self, key: str) -> None:
        raise NotImplementedError

    def now(self) -> float:
        raise NotImplementedError


def test_it_continues_where_it_broke_off() -> None:
    shelf, sink = Shelf(b"0123456789"), io.BytesIO()
    shelf.breaks = [3, 7]
    copying = ResumableDownload(shelf, "k", sink)
    for reached in (3, 7):
        with pytest.raises(TransientError, match=f"it broke off after {reached} of 10 bytes"):
            copying.attempt()
        assert copying.bytes_done == reached
    copying.attempt()
    assert sink.getvalue() == b"0123456789"
    assert shelf.starts == [0, 3, 7]


def test_what_is_replaced_meanwhile_is_read_from_its_beginning() -> None:
    shelf, sink = Shelf(b"0123456789"), io.BytesIO()
    shelf.breaks = [5]
    copying = ResumableDownload(shelf, "k", sink)
    with pytest.raises(TransientError, match="broke off"):
        copying.attempt()
    shelf.replace(b"abc", "2")
    with pytest.raises(TransientError, match="replaced while being read"):
        copying.attempt()
    copying.attempt()
    assert (sink.getvalue(), copying.stat.version) == (b"abc", "2")


def test_what_is_deleted_meanwhile_is_missing() -> None:
    shelf = Shelf(b"0123456789")
    shelf.breaks = [5]
    copying = ResumableDownload(shelf, "k", None)
    with pytest.raises(TransientError):
        copying.attempt()
    shelf.data = b""
    with pytest.raises(TransientError):
        copying.attempt()
    with pytest.raises(MissingError):
        copying.attempt()


def test_wrong_bytes_are_read_again_and_the_same_wrong_ones_are_damage() -> None:
    shelf, sink = Shelf(b"0123456789"), io.BytesIO()
    shelf.data = b"0123456788"
    copying = ResumableDownload(shelf, "k", sink)
    with pytest.raises(TransientError, match=f"SHA-256 .*; expected {shelf.expected}"):
        copying.attempt()
    assert sink.getvalue() == b""
    shelf.data = b"0123456787"
    with pytest.raises(TransientError):
        copying.attempt()
    with pytest.raises(IntegrityError, match=r"mem://shelf/k has SHA-256 .*; expected .*damaged in the storage"):
        copying.attempt()
