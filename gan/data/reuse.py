"""Pixels that an earlier dataset has already, so that an image is decoded once and not every night.

An image is known again by the SHA-256 of its original file and by the ending of its name, which says how it is to be
read. It is taken only from a dataset whose frame, source and decoder are the same: then its pixels are the same, to
the last bit.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from gan.data.load import open_records
from gan.data.manifest import DECODED
from gan.data.records import Records
from gan.data.sources.interface import Listed
from gan.data.spec import MANIFEST, Dataset
from gan.store import Store, sealed

Image = tuple[str, str]


class Place(NamedTuple):
    """Where the pixels of an image lie, and the hash of its decoded pixels ("" where the dataset does not have it)."""

    split: str
    number: int
    decoded_sha256: str


def image_of(file: str, sha256: str) -> Image:
    """What decides the pixels of an image, given its frame."""
    return sha256, PurePosixPath(file).suffix.lower()


@dataclass(frozen=True)
class Known:
    """Images of an earlier dataset, by content: `records` of each split, and where in them an image is."""

    places: dict[Image, Place] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)

    def has(self, example: Listed) -> bool:
        """Whether the pixels of an example are at hand; not where its SHA-256 is not known before it is read."""
        return bool(example.sha256) and image_of(example.file, example.sha256) in self.places

    def pixels(self, example: Listed) -> bytes:
        """uint8 [H, W, C] in row-major order of an example that `has` said to be at hand."""
        place = self.places[image_of(example.file, example.sha256)]
        (record,) = self.records[place.split].read([place.number])
        raw: bytes = tf.train.Example.FromString(record).features.feature["image/raw"].bytes_list.value[0]
        return raw

    def decoded_sha256(self, example: Listed) -> str:
        """The hash of the decoded pixels of an example that `has` said to be at hand; "" where it is not known."""
        return self.places[image_of(example.file, example.sha256)].decoded_sha256


NOTHING = Known()


def known_of(store: Store, dataset: Dataset, examples: Sequence[Listed], *, hashed: bool = False) -> Known:
    """What a dataset knows of these examples; its shards are fetched and checked where it knows any.

    Args:
        store: where the dataset lies.
        dataset: the earlier one.
        examples: of the source as it is now.
        hashed: whether an image counts only if the hash of its decoded pixels is known as well.

    Raises:
        IntegrityError: its manifest or a shard is damaged.
        UnavailableError, StoreError: the store can't be read.
    """
    wanted = {image_of(each.file, each.sha256) for each in examples if each.sha256}
    places = {
        image: place
        for image, place in _places(store, dataset).items()
        if image in wanted and (place.decoded_sha256 or not hashed)
    }
    splits = {place.split for place in places.values()}
    return Known(places, {split: open_records(store, dataset, split) for split in sorted(splits)})


def _places(store: Store, dataset: Dataset) -> dict[Image, Place]:
    """Where each image of a dataset lies: its split, and its number in that."""
    first: dict[str, int] = {}
    for split in dataset.splits.values():
        number = 0
        for shard in split.shards:
            first[shard.name] = number
            number += shard.examples
    columns = ["split", "file", "sha256", "shard", "index", DECODED]
    table = pq.read_table(io.BytesIO(sealed.read_file(store, "dataset", dataset.id, MANIFEST)))
    if DECODED not in table.column_names:
        table = table.append_column(DECODED, pa.nulls(len(table), pa.string()))
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return {
        image_of(file, sha256): Place(split, first[shard] + index, decoded or "")
        for split, file, sha256, shard, index, decoded in rows
        if shard is not None
    }
