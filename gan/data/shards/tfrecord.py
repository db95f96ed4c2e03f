"""Shards: TFRecord files of `tf.train.Example`, pixels lossless.

| feature     | type       | shape | holds |
| ----------- | ---------- | ----- | ----- |
| image/raw   | bytes      | 1     | uint8 [H, W, C], row-major: H*W*C bytes |
| image/shape | int64      | 3     | H, W, C |
| label       | int64      | 1     | index into the dataset's classes; 0 without classes |
| id          | bytes      | 1     | the example's id, UTF-8 |
| attributes  | bytes      | 1     | int8 [A], each -1 or 1; absent without attributes |
| identity    | int64      | 1     | number of the person; absent if unknown |

The bytes of a shard depend only on its examples.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf

from gan.data.sources.interface import ExampleRef
from gan.data.spec import Shard, Split
from gan.errors import StoreError
from gan.util.ids import file_sha256

# A record's length and two checksums.
FRAMING_BYTES = 16


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """The shard's file name and the position of an example in it, from 0."""

    shard: str
    index: int


class ShardWriter:
    """Packs the examples of one split into shards of at most `shard_bytes`, in the order in which they are added.

    A shard is written under a temporary name and renamed when it is complete. Use as a context manager; after it is
    closed, `split()` describes what was written.
    """

    def __init__(self, folder: Path, split: str, image_shape: tuple[int, int, int], shard_bytes: int) -> None:
        self._folder = folder
        self._name = split
        self._image_shape = image_shape
        self._shard_bytes = shard_bytes
        self._shards: list[Shard] = []
        self._file: Any = None
        self._examples = self._bytes = 0

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finish_shard()
        elif self._file is not None:
            self._discard()

    def add(self, example: ExampleRef, pixels: bytes) -> RecordPosition:
        """Append one example.

        Raises:
            StoreError: the disk is full, or the folder can't be written to.
        """
        record = serialize(example, pixels, self._image_shape)
        size = len(record) + FRAMING_BYTES
        try:
            if self._file is None or self._bytes + size > self._shard_bytes:
                self._finish_shard()
                self._file = tf.io.TFRecordWriter(str(self._temporary()))
            self._file.write(record)
        except tf.errors.OpError as error:
            raise _disk_error(self._folder, error) from None
        self._examples, self._bytes = self._examples + 1, self._bytes + size
        return RecordPosition(self._shard_name(), self._examples - 1)

    def split(self) -> Split:
        """What was written."""
        return Split(sum(shard.examples for shard in self._shards), tuple(self._shards))

    def _finish_shard(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except tf.errors.OpError as error:
            raise _disk_error(self._folder, error) from None
        path = self._folder / self._shard_name()
        self._temporary().replace(path)
        self._shards.append(Shard(path.name, self._examples, path.stat().st_size, file_sha256(path)))
        self._file = None
        self._examples = self._bytes = 0

    def _discard(self) -> None:
        # A second error must not hide the one that led here.
        with contextlib.suppress(tf.errors.OpError):
            self._file.close()
        self._temporary().unlink(missing_ok=True)

    def _shard_name(self) -> str:
        return f"{self._name}-{len(self._shards):05d}.tfrecord"

    def _temporary(self) -> Path:
        return self._folder / f".{self._shard_name()}.partial"


def serialize(example: ExampleRef, pixels: bytes, image_shape: tuple[int, int, int]) -> bytes:
    """One record in the schema above; the same example always gives the same bytes."""
    features: dict[str, Any] = {
        "image/raw": _bytes(pixels),
        "image/shape": _integers(*image_shape),
        "label": _integers(example.label),
        "id": _bytes(example.id.encode()),
    }
    if example.attributes:
        features["attributes"] = _bytes(np.asarray(example.attributes, np.int8).tobytes())
    if example.identity is not None:
        features["identity"] = _integers(example.identity)
    record: bytes = _example(features).SerializeToString(deterministic=True)
    return record


def _example(features: Mapping[str, Any]) -> Any:
    return tf.train.Example(features=tf.train.Features(feature=features))


def _bytes(value: bytes) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=(value,)))


def _integers(*values: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _disk_error(folder: Path, error: tf.errors.OpError) -> StoreError:
    return StoreError(
        f"can't write shards to {folder}: {' '.join(str(error.message).split())}; free some space, or set TMPDIR to a "
        "folder with more that is writable, and run the same command again"
    )
