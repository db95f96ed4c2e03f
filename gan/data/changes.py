"""What differs between two prepared datasets, by their descriptions and manifests alone: no pixel is read."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any, NamedTuple

from gan.data.shards.index import IndexedImage, indexed_images
from gan.data.spec import MANIFEST, Dataset
from gan.store import Store, immutable

COLUMNS = ("split", "sha256", "label", "attributes")


class DatasetChanges(NamedTuple):
    """Images that came, and images that went; one that was replaced, relabelled or moved to another split is both."""

    came: int
    went: int

    @property
    def images(self) -> int:
        """How many images a person would say were changed: of those replaced by others, one of both."""
        return max(self.came, self.went)


def count_changes(store: Store, before: Dataset, now: Dataset) -> DatasetChanges:
    """Count the images by which two datasets differ: by original file, label, attributes and split, not by name.

    Sources whose images share files (MNIST) differ in all images where a byte of a file differs.

    Raises:
        IntegrityError: a manifest is damaged.
    """
    if before.id == now.id:
        return DatasetChanges(0, 0)
    old, new = _count_images(store, before), _count_images(store, now)
    return DatasetChanges((new - old).total(), (old - new).total())


def new_images(store: Store, before: Dataset, now: Dataset, split: str) -> dict[str, list[int]]:
    """Which images of a dataset are not in an earlier one, whatever their split and name there; each once.

    Two images are the same if their original files are, or their decoded pixels where the manifests have the hashes of
    these. Of a source with a split of its own only the images of `split` count, since its other splits may be of
    another kind; where decoded pixels decided the split, those of all splits do. Images of one file (MNIST) can't be
    told apart: where a byte of it differs, all of them are new.

    Args:
        store: where both lie.
        before: the earlier one.
        now: the later one.
        split: the held-out split.

    Returns:
        By split, their numbers in it, ascending: positions over all its shards in order, from 0.

    Raises:
        IntegrityError: a manifest is damaged.
    """
    seen = {key for image in indexed_images(store, before) for key in _keys(image)}
    images = list(indexed_images(store, now))
    shared = {sha256 for sha256, count in Counter(image.sha256 for image in images).items() if count > 1}
    found: dict[str, list[int]] = {}
    for image in images:
        if (image.split == split or image.decoded_sha256) and seen.isdisjoint(_keys(image)):
            found.setdefault(image.split, []).append(image.number)
            if image.decoded_sha256 or image.sha256 not in shared:
                seen |= _keys(image)
    return {name: sorted(numbers) for name, numbers in found.items()}


def preparation_differences(before: Dataset, now: Dataset) -> list[str]:
    """The ways in which the images of two datasets are prepared or described differently, each with both values."""
    names = ("source", "image_size", "channels", "crop", "crop_offset", "resizer", "classes", "attributes")
    return [
        f"{name} (was {_format(getattr(before, name))}, now {_format(getattr(now, name))})"
        for name in names
        if getattr(before, name) != getattr(now, name)
    ]


def _count_images(store: Store, dataset: Dataset) -> Counter[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    data = immutable.read_file(store, "dataset", dataset.id, MANIFEST)
    table = pq.read_table(io.BytesIO(data), columns=[*COLUMNS, "shard"])
    rows = zip(*(table[name].to_pylist() for name in (*COLUMNS, "shard")), strict=True)
    return Counter(
        (split, sha256, label, tuple(attributes or ()))
        for split, sha256, label, attributes, shard in rows
        if shard is not None  # the others were left out
    )


def _keys(image: IndexedImage) -> set[str]:
    """What makes this image the same as another."""
    return {image.sha256, image.decoded_sha256 or image.sha256}


def _format(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
