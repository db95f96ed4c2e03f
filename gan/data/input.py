"""Training input: an endless, deterministic stream of batches that can start at any batch at no cost.

Each epoch visits the examples in a new order drawn from (seed, epoch), without a shuffle buffer; see
`gan.data.random_choices.epoch_order`. Records are read by number, so resuming reads nothing twice. Each epoch drops
the examples after its last full batch; they appear in other epochs.

Training starts as soon as the shards of the first batches have arrived; the others are fetched meanwhile.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.data.random_choices import epoch_order, random_flips
from gan.data.shards.fetcher import ShardFetcher
from gan.data.shards.parse import parse
from gan.data.shards.records import Records
from gan.data.spec import Dataset
from gan.errors import ConfigError, DataError, IntegrityError
from gan.store import Store

Batch = dict[str, Any]
_ENDLESS = int(np.iinfo(np.int64).max)


class Batches:
    """The batches of one split. Use as a context manager, or `close` it.

    Args:
        store: holds the dataset.
        dataset: see `gan.data.spec.load`.
        split: one of its splits.
        batch_size: images per batch; every batch is full.
        seed: of the order and the flips.
        flip: mirror each image left to right with probability 1/2.
        part: (index, count) of the equal parts into which workers divide each batch; `batch_size` is the whole batch.
        stopped: polled while waiting for a shard; the stream ends when it returns True.

    Raises:
        DataError: the split has fewer examples than one batch.
        IntegrityError: the number of examples in the shards differs from the dataset's.
    """

    def __init__(
        self,
        store: Store,
        dataset: Dataset,
        *,
        split: str,
        batch_size: int,
        seed: int,
        flip: bool,
        part: tuple[int, int] = (0, 1),
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        examples = dataset.split(split).examples
        if batch_size < 1:
            raise ConfigError(f"train.batch_size must be at least 1; got {batch_size}")
        if examples < batch_size:
            raise DataError(
                f'split "{split}" of dataset {dataset.id} has {examples} examples, fewer than one batch of '
                f"{batch_size}; lower train.batch_size to at most {examples}, or prepare more images"
            )
        self._records = Records([shard.examples for shard in dataset.split(split).shards])
        if len(self._records) != examples:
            raise IntegrityError(
                f'the shards of split "{split}" hold {len(self._records)} examples, dataset {dataset.id} says '
                f"{examples}; prepare the data again"
            )
        self.per_epoch = examples // batch_size
        self._fetcher = ShardFetcher(store, dataset, split, self._records.open, stopped=stopped)
        self._streams: list[Generator[Batch, None, None]] = []
        self._dataset = dataset
        self._batch_size = batch_size
        index, parts = part
        self._part_size = batch_size // parts
        self._offset = index * self._part_size
        self._seed = seed
        self._flip = flip

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every stream and the fetching of shards."""
        for stream in self._streams:
            stream.close()
        self._fetcher.close()

    def from_batch(self, number: int) -> Iterator[Batch]:
        """An endless stream that starts at batch `number`, counted from 0 over all epochs.

        Each element is {"images": float32 tensor [B, H, W, C] in [-1, 1], "labels": int32 tensor [B]}, where B is the
        size of this part of a batch; labels are all 0 if the dataset has no classes. Reading an element may raise the
        errors of `gan.data.shards.fetcher.ShardFetcher.wait`.

        Raises:
            ConfigError, StoreError: the shards don't fit the cache; see `gan.data.shards.cache`.
        """
        self._fetcher.start(self._shards_of(number)[0])
        stream = self._stream(number)
        self._streams.append(stream)
        return stream

    def _stream(self, number: int) -> Generator[Batch, None, None]:
        """One tf.data pipeline after another, each over the batches whose shards have arrived when it starts."""
        while (end := self._first_unavailable(number)) > number:
            for batch in self._pipeline(number, end):
                self._fetcher.check()
                yield batch
            number = end

    def _first_unavailable(self, number: int) -> int:
        """The first batch after `number` that may need a shard that has not arrived; `number` itself if stopped."""
        needed = self._shards_of(number)
        if not self._fetcher.wait(needed):
            return number
        shards = len(self._records.counts)
        if all(map(self._fetcher.is_ready, range(shards))):
            return _ENDLESS
        missing = next((shard for shard in range(needed[-1], shards) if not self._fetcher.is_ready(shard)), shards)
        return min(self._records.starts[missing] // self._batch_size, self.per_epoch)

    def _shards_of(self, number: int) -> range:
        """The shards that batch `number` reads."""
        epoch, batch = divmod(number, self.per_epoch)
        if epoch:
            return range(len(self._records.counts))
        first, after = batch * self._batch_size, (batch + 1) * self._batch_size
        starts = self._records.starts
        return range(bisect.bisect_right(starts, first) - 1, bisect.bisect_left(starts, after))

    def _pipeline(self, first: int, end: int) -> Any:
        """A `tf.data.Dataset` of the batches [first, end)."""
        options = tf.data.Options()
        options.deterministic = True
        batches = tf.data.Dataset.range(first, end)
        return (
            batches.map(self._read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .map(self._decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )

    def read_part(self, number: np.int64) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
        """The records of this part of batch `number`, bytes [B], and whether to mirror each image, bool [B]."""
        epoch, batch = divmod(int(number), self.per_epoch)
        order = epoch_order(self._seed, epoch, self._records.counts)
        start = batch * self._batch_size + self._offset
        records = self._records.read(order[start : start + self._part_size])
        first = int(number) * self._batch_size + self._offset
        flips = random_flips(self._seed, np.arange(first, first + self._part_size))
        return np.array(records, dtype=object), flips & self._flip

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _read(self, number: Any) -> tuple[Any, Any]:
        records, flips = tf.numpy_function(self.read_part, [number], [tf.string, tf.bool], stateful=False)
        return tf.ensure_shape(records, [self._part_size]), tf.ensure_shape(flips, [self._part_size])

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _decode(self, records: Any, flips: Any) -> dict[str, Any]:
        values = parse(records, self._dataset)
        pixels = values["pixels"]
        if self._flip:
            pixels = tf.where(flips[:, None, None, None], tf.reverse(pixels, [2]), pixels)
        images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        shape = (self._part_size, *self._dataset.image_shape)
        return {"images": tf.ensure_shape(images, shape), "labels": tf.ensure_shape(values["labels"], shape[:1])}
