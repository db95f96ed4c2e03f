"""Loads a whole split into memory, for references, evaluation and reports."""

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
from gan.util import log

_BATCH = 1024


@dataclass(frozen=True)
class Arrays:
    """Examples as arrays.

    Attributes:
        pixels: uint8 [N, H, W, C].
        labels: int32 [N], all 0 without classes.
        attributes: int8 [N, A] in {-1, 1}; A is 0 without attributes.
        ids: the N ids.
    """

    pixels: Pixels
    labels: LabelArray
    attributes: npt.NDArray[np.int8]
    ids: list[str]


def load_split(store: Store, dataset: Dataset, split: str, *, max_examples: int | None = None, seed: int = 0) -> Arrays:
    """The examples of a split in the order of the shards, verified by checksum.

    Args:
        store: holds the dataset.
        dataset: see `gan.data.spec.load`.
        split: one of its splits.
        max_examples: how many to draw at most, without replacement; None: all.
        seed: of the draw.

    Raises:
        ConfigError: `max_examples` is below 1.
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is damaged.
    """
    if max_examples is not None and max_examples < 1:
        raise ConfigError(f"at least 1 example must be loaded; got {max_examples}")
    records = open_records(store, dataset, split)
    chosen = np.arange(len(records))
    if max_examples is not None and max_examples < len(records):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(records))[:max_examples])
    return _read(records, dataset, chosen)


def load_images(store: Store, dataset: Dataset, split: str, numbers: Sequence[int]) -> Arrays:
    """The examples of a split at these positions over all its shards, from 0, in the given order.

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
        rows = slice(start, start + _BATCH)
        values = parse(records.read(chosen[rows]), dataset)
        arrays.pixels[rows] = values["pixels"]
        arrays.labels[rows] = values["labels"]
        if dataset.attributes:
            arrays.attributes[rows] = values["attributes"]
        arrays.ids.extend(each.decode() for each in values["ids"].numpy())
    return arrays


def open_records(store: Store, dataset: Dataset, split: str) -> Records:
    """The records of a split, fetched to this machine and verified; they stay readable even if the files are deleted.

    Raises:
        NotFoundError: the dataset has no such split.
        IntegrityError: a shard is damaged.
    """
    records = Records([shard.examples for shard in dataset.split(split).shards])
    with ShardFetcher(store, dataset, split, records.open) as fetcher:
        fetcher.start()
        if fetcher.is_remote:
            with log.progress("fetch shards", sum(shard.bytes for shard in fetcher.shards), unit="bytes") as advance:
                for number, shard in enumerate(fetcher.shards):
                    fetcher.wait([number])
                    advance(shard.bytes)
        fetcher.wait(range(len(fetcher.shards)))
    return records
