"""Downloads one object of a bucket, continuing where an attempt broke off, and checks it when it is complete."""

from __future__ import annotations

from typing import IO

from gan.errors import IntegrityError
from gan.store.cloud.content import Checksums
from gan.store.cloud.object_api import MissingError, ObjectApi, PreconditionFailedError, Stat
from gan.util.retry import TransientError


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
