"""Random access to the records of TFRecord files."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gan.errors import IntegrityError

# A record is its length (uint64), a checksum of that (uint32), the bytes, and their checksum (uint32), little-endian.
_LENGTH = struct.Struct("<Q")
_HEADER_BYTES, _FOOTER_BYTES = 12, 4


class Records:
    """The records of several files as one sequence, read through the page cache.

    The files are mapped, not loaded: memory holds what is in use, and the operating system drops it when it must.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files: list[mmap.mmap] = []
        file_of: list[npt.NDArray[np.int32]] = []
        offsets: list[npt.NDArray[np.int64]] = []
        lengths: list[npt.NDArray[np.int64]] = []
        for number, path in enumerate(paths):
            mapped = _mapped(path)
            starts, sizes = _scan(mapped, path)
            self._files.append(mapped)
            file_of.append(np.full(len(starts), number, np.int32))
            offsets.append(np.asarray(starts, np.int64))
            lengths.append(np.asarray(sizes, np.int64))
        self._file_of = np.concatenate([np.zeros(0, np.int32), *file_of])
        self._offsets = np.concatenate([np.zeros(0, np.int64), *offsets])
        self._lengths = np.concatenate([np.zeros(0, np.int64), *lengths])

    def __len__(self) -> int:
        return len(self._offsets)

    def read(self, numbers: Sequence[int] | npt.NDArray[np.int64]) -> list[bytes]:
        """The records of these numbers, in this order."""
        chosen = np.asarray(numbers)
        places = zip(
            self._file_of[chosen].tolist(), self._offsets[chosen].tolist(), self._lengths[chosen].tolist(), strict=True
        )
        return [self._files[file][offset : offset + length] for file, offset, length in places]


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path} can't be read: {error}; prepare the data again") from None


def _scan(mapped: mmap.mmap, path: Path) -> tuple[list[int], list[int]]:
    """Where each record starts, and its length."""
    starts, lengths = [], []
    position, end = 0, len(mapped)
    while position + _HEADER_BYTES <= end:
        (length,) = _LENGTH.unpack_from(mapped, position)
        starts.append(position + _HEADER_BYTES)
        lengths.append(length)
        position += _HEADER_BYTES + length + _FOOTER_BYTES
    if position != end:
        raise IntegrityError(f"{path} is no whole TFRecord file: it ends inside a record; prepare the data again")
    return starts, lengths
