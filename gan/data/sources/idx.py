"""The IDX format of MNIST: a magic number, the size of each dimension, then the values.

Layout (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"): two zero bytes, the type (8 for
unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit number, the values row by row.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import numpy as np

from gan.errors import DataError
from gan.types import Pixels

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08


def read_idx(data: bytes, name: str, sizes: tuple[int | None, ...]) -> Pixels:
    """The array in an IDX file of unsigned bytes, gzipped or not.

    Args:
        data: the whole file.
        name: for messages.
        sizes: the required size of each dimension; None: any size above 0.

    Returns:
        uint8 array with `len(sizes)` dimensions.

    Raises:
        DataError: the magic number, a dimension, or the number of values is wrong, or the gzip stream is damaged.
    """
    try:
        with io.BytesIO(data) as plain, _decompressed(plain, data) as file:
            shape = _shape(file, name, sizes)
            expected = int(np.prod(shape, dtype=np.int64))
            values = file.read(expected + 1)
    except EOFError:
        raise DataError(f"{name} is cut short: its gzip stream ends too early; download it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name} is damaged: {error}; download it again") from None
    if len(values) != expected:
        found = f"only {len(values)}" if len(values) < expected else "more"
        raise DataError(
            f"the header of {name} says {' x '.join(map(str, shape))} = {expected} values, but it holds {found}; "
            "download it again"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def _decompressed(plain: io.BytesIO, data: bytes) -> gzip.GzipFile | io.BytesIO:
    return gzip.GzipFile(fileobj=plain) if data.startswith(_GZIP) else plain


def _shape(file: gzip.GzipFile | io.BytesIO, name: str, sizes: tuple[int | None, ...]) -> tuple[int, ...]:
    magic = _UNSIGNED_BYTES << 8 | len(sizes)
    header = file.read(4 + 4 * len(sizes))
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != magic:
        raise DataError(
            f"{name} starts with the magic number {found}; an IDX file of {len(sizes)} dimensions starts with {magic}. "
            "Are images and labels swapped, or is it another kind of file?"
        )
    if len(header) < 4 + 4 * len(sizes):
        raise DataError(f"{name} is cut short: {len(header)} bytes of a header; download it again")
    shape = struct.unpack(f">{len(sizes)}I", header[4:])
    for found_size, wanted in zip(shape, sizes, strict=True):
        if found_size == 0 or wanted not in (None, found_size):
            allowed = " x ".join("any" if size is None else str(size) for size in sizes)
            raise DataError(f"{name} has dimensions {' x '.join(map(str, shape))}; allowed: {allowed}, none of them 0")
    return shape
