"""The position of each image of a dataset in its shards, from the manifest."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from gan.data.spec import DECODED, MANIFEST, Dataset
from gan.store import Store, immutable


class IndexedImage(NamedTuple):
    """An image in the shards.

    split: its split.
    number: its position over all shards of that split, from 0.
    file, sha256: of the original.
    decoded_sha256: see `gan.data.prepare.image.decoded_sha256`; empty if the manifest does not have it.
    """

    split: str
    number: int
    file: str
    sha256: str
    decoded_sha256: str


def indexed_images(store: Store, dataset: Dataset) -> Iterator[IndexedImage]:
    """The images of a dataset in the order of its manifest, without the quarantined ones.

    Raises:
        IntegrityError: the manifest is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    first: dict[str, int] = {}
    for split in dataset.splits.values():
        number = 0
        for shard in split.shards:
            first[shard.name] = number
            number += shard.examples
    table = pq.read_table(io.BytesIO(immutable.read_file(store, "dataset", dataset.id, MANIFEST)))
    if DECODED not in table.column_names:
        table = table.append_column(DECODED, pa.nulls(len(table), pa.string()))
    columns = ("split", "file", "sha256", DECODED, "shard", "index")
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    for name, file, sha256, decoded, shard_name, index in rows:
        if shard_name is not None:
            yield IndexedImage(name, first[shard_name] + index, file, sha256, decoded or "")
