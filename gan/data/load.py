"""A whole split in memory, for what looks at every image: references, evaluation, reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gan.data.shards.fetcher import ShardFetcher
from gan.data.shards.parse import parse
from gan.data.shards.records import Records
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.store import Store
from gan.types import LabelArray, Pixels
from gan.util.log import progress

_BATCH = 1024


@dataclass(frozen=True)
class Arrays:
    """Examples as arrays.

    Attributes:
        pixels: uint8 [N, H, W, C].
        labels: int32 [N], all 0 where there are no classes.
        attributes: int8 [N, A] in {-1, 1}; A is 0 where there are none.
        ids: the N ids.
    """

    pixels: Pixels
    labels: LabelArray
    attributes: npt.NDArray[np.int8]
    ids: list[str]


def load_split(store: Store, dataset: Dataset, split: str, *, most: int | None = None, seed: int = 0) -> Arrays:
    """The examples of a split, checked against their checksums, in the order of the shards.

    Args:
        store: where the dataset lies.
        dataset: see `gan.data.spec.load`.
        split: one of its splits.
        most: at most so many, drawn without replacement; None: all.
        seed: of the draw.

    Raises:
        ConfigError: `most` is below 1.
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is damaged.
    """
    if most is not None and most < 1:
        raise ConfigError(f"at least 1 example must be loaded; got {most}")
    records = open_records(store, dataset, split)
    chosen = np.arange(len(records))
    if most is not None and most < len(records):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(records))[:most])
    return _read(records, dataset, chosen)


def load_images(store: Store, dataset: Dataset, split: str, numbers: Sequence[int]) -> Arrays:
    """The examples of a split with these numbers, positions over all its shards from 0, in this order.

    Raises:
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is damaged.
    """
    return _read(open_records(store, dataset, split), dataset, np.asarray(numbers, np.int64))


def _read(records: Records, dataset: Dataset, chosen: npt.NDArray[np.int64]) -> Arrays:
    arrays = Arrays(
        pixels=np.empty((len(chosen), *dataset.image_shape), np.uint8),
        labels=np.empty(len(chosen), np.int32),
        attributes=np.empty((len(chosen), len(dataset.attributes)), np.int8),
        ids=[],
    )
    for start in range(0, len(chosen), _BATCH):
        part = slice(start, start + _BATCH)
        values = parse(records.read(chosen[part]), dataset)
        arrays.pixels[part] = values["pixels"]
        arrays.labels[part] = values["labels"]
        if dataset.attributes:
            arrays.attributes[part] = values["attributes"]
        arrays.ids.extend(each.decode() for each in values["ids"].numpy())
    return arrays


def open_records(store: Store, dataset: Dataset, split: str) -> Records:
    """The records of a split, brought to this machine and checked; they stay readable whatever becomes of the files.

    Raises:
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is damaged.
    """
    records = Records([shard.examples for shard in dataset.split(split).shards])
    with ShardFetcher(store, dataset, split, records.open) as stage:
        stage.begin()
        if stage.is_remote:
            with progress("fetch shards", sum(shard.bytes for shard in stage.shards), unit="bytes") as advance:
                for number, shard in enumerate(stage.shards):
                    stage.wait([number])
                    advance(shard.bytes)
        stage.wait(range(len(stage.shards)))
    return records
