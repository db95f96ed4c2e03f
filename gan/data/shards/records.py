"""Random access to the records of TFRecord files."""

from __future__ import annotations

import itertools
import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gan.errors import IntegrityError

# A record is its length (uint64), a checksum of that (uint32), the bytes, and their checksum (uint32), little-endian.
_LENGTH = struct.Struct("<Q")
_HEADER_BYTES, _FOOTER_BYTES = 12, 4


class Records:
    """The records of several files as one sequence, read through the page cache.

    The files are memory-mapped: the operating system loads and drops pages as needed. The records of a file can be read
    after `open`.

    Args:
        counts: records per file.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = tuple(counts)
        self.starts = [0, *itertools.accumulate(counts)]
        self._files: dict[int, mmap.mmap] = {}
        self._file_of = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        self._offsets = np.zeros(len(self), np.int64)
        self._lengths = np.zeros(len(self), np.int64)

    def __len__(self) -> int:
        return self.starts[-1]

    def open(self, number: int, path: Path) -> None:
        """Make the records of one file readable. Files may be opened in any order and by several threads.

        Raises:
            IntegrityError: it can't be read, is truncated, or has the wrong number of records.
        """
        mapped = _map_file(path)
        offsets, lengths = _scan_records(mapped, path)
        if len(offsets) != self.counts[number]:
            raise IntegrityError(
                f"{path} holds {len(offsets)} examples, its dataset says {self.counts[number]}; prepare the data again"
            )
        part = slice(self.starts[number], self.starts[number + 1])
        self._offsets[part], self._lengths[part] = offsets, lengths
        self._files[number] = mapped

    def read(self, numbers: Sequence[int] | npt.NDArray[np.int64]) -> list[bytes]:
        """The records with these numbers, in this order."""
        rows = np.asarray(numbers)
        locations = zip(
            self._file_of[rows].tolist(), self._offsets[rows].tolist(), self._lengths[rows].tolist(), strict=True
        )
        return [self._files[file][offset : offset + length] for file, offset, length in locations]


def _map_file(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path} can't be read: {error}; prepare the data again") from None


def _scan_records(mapped: mmap.mmap, path: Path) -> tuple[list[int], list[int]]:
    """The offset and the length of each record."""
    starts, lengths = [], []
    position, end = 0, len(mapped)
    while position + _HEADER_BYTES <= end:
        (length,) = _LENGTH.unpack_from(mapped, position)
        starts.append(position + _HEADER_BYTES)
        lengths.append(length)
        position += _HEADER_BYTES + length + _FOOTER_BYTES
    if position != end:
        raise IntegrityError(f"{path} is truncated: it ends inside a record; prepare the data again")
    return starts, lengths
