"""A store in a bucket, over an `ObjectApi`.

Here is what all kinds share: retries, checksums, finding out whether a conditional write whose answer was lost took
place, and reading twice what has no checksum on an unencrypted connection.
"""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from gan.errors import AlreadyExistsError, ConflictError, IntegrityError, NotFoundError, StoreError
from gan.store.atomic_file import atomic_file
from gan.store.cloud.content import Checksums, Content
from gan.store.cloud.object_api import (
    Absent,
    Condition,
    MissingError,
    ObjectApi,
    Page,
    PreconditionFailedError,
    Stat,
    Unchanged,
)
from gan.store.cloud.retry import Retry
from gan.store.interface import PROBES, IncompleteUpload, Item, Store, Versioned, check_key
from gan.util.retry import TransientError

T = TypeVar("T")


class ResumableDownload:
    """Downloads one version of an object into `sink` (None: only counts and hashes the bytes)."""

    def __init__(self, api: ObjectApi, key: str, sink: IO[bytes] | None) -> None:
        self._api, self._key, self._sink = api, key, sink
        self._mismatches: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self.stat = Stat(0, "")
        self.sums = Checksums(crc32c=self._api.crc32c)
        if self._sink is not None:
            self._sink.seek(0)
            self._sink.truncate()

    @property
    def bytes_done(self) -> int:
        """How many bytes were received."""
        return self.sums.size

    def attempt(self) -> None:
        """Download the rest.

        Raises:
            MissingError: there is no such object.
            IntegrityError: the same wrong bytes came twice, so they are wrong in the storage.
        """
        try:
            with self._api.open(self._key, start=self.bytes_done, version=self.stat.version or None) as reading:
                self.stat = self.stat if self.bytes_done else reading.stat
                for block in reading.blocks:
                    if self._sink is not None:
                        self._sink.write(block)
                    self.sums.update(block)
        except (MissingError, PreconditionFailedError):
            if not self.stat.version:
                raise
            self._begin()
            raise TransientError("it was replaced while being read") from None
        if self.bytes_done < self.stat.size:
            raise TransientError(f"it broke off after {self.bytes_done} of {self.stat.size} bytes")
        self._check()

    def _check(self) -> None:
        for name, expected, found in (
            ("bytes", str(self.stat.size), str(self.sums.size)),
            ("CRC32C", self.stat.crc32c, self.sums.crc32c),
            ("SHA-256", self.stat.sha256, self.sums.sha256),
        ):
            if expected and found != expected:
                self._mismatch(f"{name} {found}; expected {expected}")

    def _mismatch(self, difference: str) -> None:
        if self.sums.sha256 in self._mismatches:
            raise IntegrityError(
                f"{self._api.uri}/{self._key} has {difference} each time it is read: it is damaged in the storage"
            )
        self._mismatches.add(self.sums.sha256)
        self._begin()
        raise TransientError(f"it came with {difference}")


class BucketStore(Store):
    """The objects of a bucket whose keys start with `prefix`, a path without slashes at its ends, or empty."""

    def __init__(self, api: ObjectApi, prefix: str, retry: Retry) -> None:
        self._api, self._retry = api, retry
        self._prefix = f"{prefix}/" if prefix else ""
        self.uri = f"{api.uri}/{prefix}".rstrip("/")
        self._bucket_is_there = self._conditions_hold = False

    def exists(self, key: str) -> bool:  # noqa: D102
        try:
            self._stat(key)
        except NotFoundError:
            return False
        return True

    def read(self, key: str) -> bytes:  # noqa: D102
        return self._read(key)[0]

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:  # noqa: D102
        self._create(key, self._content(data), if_absent=if_absent)

    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> str:  # noqa: D102
        try:
            content = self._content(path)
        except OSError as error:
            raise NotFoundError(f"can't read {path}, to upload it to {self.uri_of(key)}: {error.strerror}") from None
        self._create(key, content, if_absent=if_absent)
        return content.sha256

    def download(self, key: str, path: Path) -> str:  # noqa: D102
        with atomic_file(path) as file:
            return self._download(key, file).sums.sha256

    def sha256(self, key: str) -> str:  # noqa: D102
        return self._stat(key).sha256 or self._download(key, None).sums.sha256

    def list(self, prefix: str = "") -> Iterator[Item]:  # noqa: D102
        start = f"{self._key(prefix)}/" if prefix else self._prefix
        return (item for item in self._items(start) if not item.key.startswith(f"{PROBES}/"))

    def delete(self, key: str) -> None:  # noqa: D102
        with contextlib.suppress(NotFoundError):
            self._retried(key, "delete", lambda: self._api.remove(self._key(key)))

    def read_versioned(self, key: str) -> Versioned:  # noqa: D102
        try:
            data, stat = self._read(key)
        except NotFoundError:
            return Versioned(b"", None)
        return Versioned(data, stat.version)

    def swap(self, key: str, data: bytes, *, expected: str | None) -> str:  # noqa: D102
        try:
            version = self._put(key, self._content(data), Absent() if expected is None else Unchanged(expected))
        except PreconditionFailedError:
            raise ConflictError(f"{self.uri_of(key)} was changed by somebody else; read it again and retry") from None
        if self._api.encrypted:
            return version
        seen = self.read_versioned(key)  # no checksum protects the version, which came in the body of a response
        return seen.version if seen.version is not None and seen.data == data else version

    def now(self) -> float:  # noqa: D102
        return self._retry.call(f"ask {self.uri} for the time", self._api.now)

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:  # noqa: D102
        for probe in self._items(f"{self._prefix}{PROBES}/"):
            yield IncompleteUpload(probe.key, probe.size, probe.modified)
        what = f"list the incomplete uploads of {self.uri}"
        yield from self._retry.call(what, self._confirmed(lambda: tuple(self._api.incomplete_uploads(self._prefix))))

    def abort_upload(self, upload: IncompleteUpload) -> None:  # noqa: D102
        if upload.name.startswith(f"{PROBES}/"):
            self.delete(upload.name)
            return
        with contextlib.suppress(MissingError):
            self._retry.call(f"abort {upload.name} of {self.uri}", lambda: self._api.abort_upload(upload))

    def require_conditions(self) -> None:  # noqa: D102
        if self._conditions_hold:
            return
        key = f"{PROBES}/{uuid.uuid4().hex}"
        try:
            first = self.swap(key, b"first", expected=None)
            self._require_refusal("if absent", lambda: self.write(key, b"second", if_absent=True))
            self.swap(key, b"third", expected=first)
            self._require_refusal("if unchanged", lambda: self.swap(key, b"fourth", expected=first))
        finally:
            self.delete(key)
        self._conditions_hold = True

    def _require_refusal(self, condition: str, write: Callable[[], object]) -> None:
        try:
            write()
        except (AlreadyExistsError, ConflictError):
            return
        raise StoreError(
            f'the storage of {self.uri} ignores the condition "{condition}" of a write, so two racing writers would '
            "silently overwrite each other; use Google Cloud Storage, AWS S3 or a recent MinIO, and check that no "
            "proxy in between drops the headers If-Match and If-None-Match"
        )

    def _key(self, key: str) -> str:
        return self._prefix + PurePosixPath(check_key(key)).as_posix()

    def _content(self, source: bytes | Path) -> Content:
        return Content(source, crc32c=self._api.crc32c)

    def _retried(self, key: str, doing: str, attempt: Callable[[], T], bytes_done: Callable[[], int] = lambda: 0) -> T:
        try:
            return self._retry.call(f"{doing} {self.uri_of(key)}", attempt, reached=bytes_done)
        except MissingError:
            self._require_bucket()
            raise NotFoundError(f"nothing in the store at {self.uri_of(key)}") from None

    def _require_bucket(self) -> None:
        """Check, once, that it is the object that is missing and not the bucket."""
        if not self._bucket_is_there:
            what = f"list {self.uri}"
            self._retry.call(what, lambda: self._api.page(self._prefix, None, size=1))
            self._bucket_is_there = True

    def _confirmed(self, read: Callable[[], T]) -> Callable[[], T]:
        """`read`; on an unencrypted connection, an attempt that reads twice and requires equal results."""
        if self._api.encrypted:
            return read

        def attempt() -> T:
            first = read()
            if read() != first:
                raise TransientError("reading it twice gave different results")
            return first

        return attempt

    def _stat(self, key: str) -> Stat:
        full = self._key(key)
        return self._retried(key, "look up", self._confirmed(lambda: self._api.stat(full)))

    def _items(self, start: str) -> Iterator[Item]:
        """Every object whose full key begins with `start`, by its key in this store."""
        page = self._page(start, None)
        while True:
            for item in page.items:
                yield Item(item.key.removeprefix(self._prefix), item.size, item.modified)
            if page.next_token is None:
                return
            page = self._page(start, page.next_token)

    def _page(self, start: str, token: str | None) -> Page:
        return self._retry.call(f"list {self.uri}", self._confirmed(lambda: self._api.page(start, token)))

    def _create(self, key: str, content: Content, *, if_absent: bool) -> None:
        try:
            self._put(key, content, Absent() if if_absent else None)
        except PreconditionFailedError:
            raise AlreadyExistsError(f"{self.uri_of(key)} exists already") from None

    def _put(self, key: str, content: Content, condition: Condition) -> str:
        upload = self._api.upload(self._key(key), content, condition)
        ambiguous = False

        def attempt() -> str:
            nonlocal ambiguous
            try:
                return upload.attempt()
            except TransientError:
                ambiguous = True
                raise
            except PreconditionFailedError:
                version = self._version_if_same(key, content) if ambiguous else None
                if version is None:
                    raise
                return version

        return self._retried(key, "write", attempt, lambda: upload.bytes_done)

    def _version_if_same(self, key: str, content: Content) -> str | None:
        """The version of the stored object if it has exactly the bytes that an attempt with a lost answer sent."""
        try:
            download = self._download(key, None)
        except NotFoundError:
            return None
        return download.stat.version if download.sums.sha256 == content.sha256 else None

    def _download(self, key: str, sink: IO[bytes] | None) -> ResumableDownload:
        download = ResumableDownload(self._api, self._key(key), sink)
        self._retried(key, "read", download.attempt, lambda: download.bytes_done)
        return download

    def _read(self, key: str) -> tuple[bytes, Stat]:
        file = io.BytesIO()
        download = self._download(key, file)
        return file.getvalue(), download.stat
