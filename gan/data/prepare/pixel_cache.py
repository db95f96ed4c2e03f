"""Reuses the pixels of an earlier dataset, so that repeated preparation decodes each image only once.

An image is identified by the SHA-256 of its original file and its extension, which decides how it is decoded. It is
reused only from a dataset with the same transform, source and decoder, so its pixels are identical.
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
    """What decides the pixels of an image, given the transform."""
    return sha256, PurePosixPath(file).suffix.lower()


@dataclass(frozen=True)
class PixelCache:
    """Images of an earlier dataset by content, and the `records` of each split that hold them."""

    images: dict[ImageKey, IndexedImage] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)

    def has(self, example: ExampleRef) -> bool:
        """Whether the cache has the pixels of an example; False if its SHA-256 is not known yet."""
        return bool(example.sha256) and image_key(example.file, example.sha256) in self.images

    def pixels(self, example: ExampleRef) -> bytes:
        """uint8 [H, W, C] in row-major order of an example that the cache `has`."""
        image = self.images[image_key(example.file, example.sha256)]
        (record,) = self.records[image.split].read([image.number])
        pixels: bytes = tf.train.Example.FromString(record).features.feature["image/raw"].bytes_list.value[0]
        return pixels

    def decoded_sha256(self, example: ExampleRef) -> str:
        """The hash of the decoded pixels of an example that the cache `has`; "" if it is not known."""
        return self.images[image_key(example.file, example.sha256)].decoded_sha256


def load_pixel_cache(
    store: Store, dataset: Dataset, examples: Sequence[ExampleRef], *, require_decoded_sha256: bool = False
) -> PixelCache:
    """The pixels that a dataset has of these examples; fetches and verifies the shards of their splits.

    Args:
        store: holds the dataset.
        dataset: the earlier dataset.
        examples: the source's examples now.
        require_decoded_sha256: skip images whose decoded pixels have no known hash.

    Raises:
        IntegrityError: the manifest or a shard is damaged.
        UnavailableError, StoreError: the store can't be read.
    """
    wanted_keys = {image_key(each.file, each.sha256) for each in examples if each.sha256}
    images = {
        image_key(image.file, image.sha256): image
        for image in indexed_images(store, dataset)
        if image_key(image.file, image.sha256) in wanted_keys and (image.decoded_sha256 or not require_decoded_sha256)
    }
    splits = {image.split for image in images.values()}
    return PixelCache(images, {split: open_records(store, dataset, split) for split in sorted(splits)})
