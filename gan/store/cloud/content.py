"""What is uploaded: bytes or a file, with checksums."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

BLOCK_BYTES = 64 << 10  # larger blocks return to the system after each use, which costs page faults


class Checksums:
    """SHA-256, and CRC32C if requested, in one pass."""

    def __init__(self, *, crc32c: bool) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._crc32c: Any = None
        if crc32c:
            import google_crc32c

            self._crc32c = google_crc32c.Checksum()  # type: ignore[no-untyped-call]

    def update(self, data: bytes) -> None:
        """Add more bytes."""
        self.size += len(data)
        self._sha256.update(data)
        if self._crc32c is not None:
            self._crc32c.update(data)

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def crc32c(self) -> str:
        """In base64 of its big-endian bytes, as Google writes it; empty if not requested."""
        return base64.b64encode(self._crc32c.digest()).decode() if self._crc32c is not None else ""


class Content:
    """Bytes, or a file of any size that must not change meanwhile."""

    def __init__(self, source: bytes | Path, *, crc32c: bool) -> None:
        self._source = source
        sums = Checksums(crc32c=crc32c)
        with self.open() as file:
            while block := file.read(BLOCK_BYTES):
                sums.update(block)
        self.size, self.sha256, self.crc32c = sums.size, sums.sha256, sums.crc32c

    def open(self) -> IO[bytes]:
        """A new reader at the first byte."""
        return io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")


class Body:
    """The body of an HTTP request: `head`, the content from `start` to before `stop`, `tail`, read in small blocks."""

    def __init__(
        self, content: Content, *, start: int = 0, stop: int | None = None, head: bytes = b"", tail: bytes = b""
    ) -> None:
        self._file = content.open()
        self._start, self._stop = start, content.size if stop is None else stop
        self._head, self._tail = head, tail
        self._size = len(head) + self._stop - start + len(tail)
        self._position = 0

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK_BYTES):
            yield block

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next read, as for a file."""
        self._position = to + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def read(self, size: int = -1) -> bytes:
        """At most `size` of the next bytes, perhaps fewer; none at the end."""
        middle = self._stop - self._start
        size = self._size if size < 0 else size
        if self._position < len(self._head):
            block = self._head[self._position : self._position + size]
        elif self._position < len(self._head) + middle:
            inside = self._position - len(self._head)
            self._file.seek(self._start + inside)
            block = self._file.read(min(size, middle - inside))
        else:
            inside = self._position - len(self._head) - middle
            block = self._tail[inside : inside + size]
        self._position += len(block)
        return block
