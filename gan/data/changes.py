"""Differences between two prepared datasets, found in their descriptions and manifests; no pixel is read."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any, NamedTuple

from gan.data.shards.index import IndexedImage, indexed_images
from gan.data.spec import MANIFEST, Dataset
from gan.store import Store, immutable

COLUMNS = ("split", "sha256", "label", "attributes")


class DatasetChanges(NamedTuple):
    """Images added and removed; an image that was replaced, relabelled or moved to another split counts in both."""

    added: int
    removed: int

    @property
    def images(self) -> int:
        """The number of changed images; a replaced image counts once."""
        return max(self.added, self.removed)


def count_changes(store: Store, earlier: Dataset, later: Dataset) -> DatasetChanges:
    """Count the images by which two datasets differ, comparing original file, label, attributes and split, not names.

    Where images share a file (MNIST), one changed byte changes all images of that file.

    Raises:
        IntegrityError: a manifest is damaged.
    """
    if earlier.id == later.id:
        return DatasetChanges(0, 0)
    old, new = _count_images(store, earlier), _count_images(store, later)
    return DatasetChanges((new - old).total(), (old - new).total())


def new_images(store: Store, earlier: Dataset, later: Dataset, split: str) -> dict[str, list[int]]:
    """The images of a dataset that are not in an earlier one, whatever their split and name there; each once.

    Two images are the same if their original files are equal, or their decoded pixels where the manifests have those
    hashes. If the source defines its splits, only images of `split` count, since other splits may differ in kind; if
    decoded pixels decided the split, images of all splits count. Images of one file (MNIST) can't be distinguished: if
    a byte of the file differs, all of them are new.

    Args:
        store: holds both datasets.
        earlier: the earlier dataset.
        later: the later dataset.
        split: the held-out split.

    Returns:
        By split, the ascending positions of the new images over all its shards, from 0.

    Raises:
        IntegrityError: a manifest is damaged.
    """
    seen = {key for image in indexed_images(store, earlier) for key in _keys(image)}
    images = list(indexed_images(store, later))
    shared = {sha256 for sha256, count in Counter(image.sha256 for image in images).items() if count > 1}
    found: dict[str, list[int]] = {}
    for image in images:
        if (image.split == split or image.decoded_sha256) and seen.isdisjoint(_keys(image)):
            found.setdefault(image.split, []).append(image.number)
            if image.decoded_sha256 or image.sha256 not in shared:
                seen |= _keys(image)
    return {name: sorted(numbers) for name, numbers in found.items()}


def preparation_differences(earlier: Dataset, later: Dataset) -> list[str]:
    """The settings in which two datasets were prepared or described differently, each with both values."""
    names = (
        "source",
        "image_size",
        "channels",
        "crop",
        "crop_offset",
        "resizer",
        "classes",
        "channel_classes",
        "attributes",
    )
    return [
        f"{name} (was {_format(getattr(earlier, name))}, now {_format(getattr(later, name))})"
        for name in names
        if getattr(earlier, name) != getattr(later, name)
    ]


def _count_images(store: Store, dataset: Dataset) -> Counter[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    data = immutable.read_file(store, "dataset", dataset.id, MANIFEST)
    table = pq.read_table(io.BytesIO(data), columns=[*COLUMNS, "shard"])
    rows = zip(*(table[name].to_pylist() for name in (*COLUMNS, "shard")), strict=True)
    return Counter(
        (split, sha256, label, tuple(attributes or ()))
        for split, sha256, label, attributes, shard in rows
        if shard is not None  # the others were quarantined
    )


def _keys(image: IndexedImage) -> set[str]:
    """The hashes that identify this image; two images are the same if they share one."""
    return {image.sha256, image.decoded_sha256 or image.sha256}


def _format(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
