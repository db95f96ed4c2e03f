"""Pixels that an earlier dataset has already, so that an image is decoded once and not every night.

An image is known again by the SHA-256 of its original file and by the ending of its name, which says how it is to be
read. It is taken only from a dataset whose frame, source and decoder are the same: then its pixels are the same, to
the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import tensorflow as tf

from gan.data.load import open_records
from gan.data.shards.index import IndexedImage, indexed_images
from gan.data.shards.records import Records
from gan.data.sources.interface import ExampleRef
from gan.data.spec import Dataset
from gan.store import Store

ImageKey = tuple[str, str]


def image_key(file: str, sha256: str) -> ImageKey:
    """What decides the pixels of an image, given its frame."""
    return sha256, PurePosixPath(file).suffix.lower()


@dataclass(frozen=True)
class PixelCache:
    """Images of an earlier dataset, by content: `records` of each split, and where in them an image is."""

    places: dict[ImageKey, IndexedImage] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)

    def has(self, example: ExampleRef) -> bool:
        """Whether the pixels of an example are at hand; not where its SHA-256 is not known before it is read."""
        return bool(example.sha256) and image_key(example.file, example.sha256) in self.places

    def pixels(self, example: ExampleRef) -> bytes:
        """uint8 [H, W, C] in row-major order of an example that `has` said to be at hand."""
        place = self.places[image_key(example.file, example.sha256)]
        (record,) = self.records[place.split].read([place.number])
        raw: bytes = tf.train.Example.FromString(record).features.feature["image/raw"].bytes_list.value[0]
        return raw

    def decoded_sha256(self, example: ExampleRef) -> str:
        """The hash of the decoded pixels of an example that `has` said to be at hand; "" where it is not known."""
        return self.places[image_key(example.file, example.sha256)].decoded_sha256


EMPTY = PixelCache()


def load_pixel_cache(
    store: Store, dataset: Dataset, examples: Sequence[ExampleRef], *, hashed: bool = False
) -> PixelCache:
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
    wanted = {image_key(each.file, each.sha256) for each in examples if each.sha256}
    places = {
        image_key(packed.file, packed.sha256): packed
        for packed in indexed_images(store, dataset)
        if image_key(packed.file, packed.sha256) in wanted and (packed.decoded_sha256 or not hashed)
    }
    splits = {place.split for place in places.values()}
    return PixelCache(places, {split: open_records(store, dataset, split) for split in sorted(splits)})
