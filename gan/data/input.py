"""Training input: an endless, deterministic stream of batches that starts at any batch at no cost.

Each epoch visits the examples in a fresh order drawn from (seed, epoch), not through a shuffle buffer; see
`gan.data.random_choices.epoch_order`. Records are reached by number, so resuming reads nothing twice. An epoch
leaves out what it has beyond its last full batch; another epoch's order brings it.

The first batches are there as soon as their shards are, while the rest are still on their way.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
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
        store: where the dataset lies.
        dataset: see `gan.data.spec.load`.
        split: one of its splits.
        batch_size: images a batch; every batch is full.
        seed: of the order and of the flips.
        flip: mirror each image left to right with probability 1/2.
        part: (which, of how many) equal parts of each batch to read; `batch_size` is that of the whole.
        stopped: whether to give up waiting for a shard; the stream then ends.

    Raises:
        DataError: the split has fewer examples than one batch.
        IntegrityError: the shards hold another number of examples than the dataset says.
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
        self._stage = ShardFetcher(store, dataset, split, self._records.open, stopped=stopped)
        self._streams: list[Generator[Batch, None, None]] = []
        self._dataset = dataset
        self._batch_size = batch_size
        which, parts = part
        self._size = batch_size // parts
        self._offset = which * self._size
        self._seed = seed
        self._flip = flip

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every stream, and what brings the shards."""
        for stream in self._streams:
            stream.close()
        self._stage.close()

    def from_batch(self, number: int) -> Iterator[Batch]:
        """A stream without end whose first element is batch `number`, counted from 0 over all epochs.

        Each element is {"images": float32 tensor [B, H, W, C] in [-1, 1], "labels": int32 tensor [B]}, where B is the
        size of this part of a batch; labels are all 0 where the dataset has no classes. The next element raises what
        `gan.data.shards.fetcher.ShardFetcher.wait` raises.

        Raises:
            ConfigError, StoreError: the shards don't fit the cache; see `gan.data.shards.cache`.
        """
        self._stage.begin(self._shards_of(number)[0])
        stream = self._stream(number)
        self._streams.append(stream)
        return stream

    def _stream(self, number: int) -> Generator[Batch, None, None]:
        """One pipeline after another, each over the batches whose shards are there when it begins."""
        while (end := self._ready_until(number)) > number:
            for batch in self._pipeline(number, end):
                self._stage.check()
                yield batch
            number = end

    def _ready_until(self, number: int) -> int:
        """The first batch after `number` that may need a shard that is not there; `number` itself where stopped."""
        needed = self._shards_of(number)
        if not self._stage.wait(needed):
            return number
        shards = len(self._records.counts)
        if all(map(self._stage.is_ready, range(shards))):
            return _ENDLESS
        missing = next((shard for shard in range(needed[-1], shards) if not self._stage.is_ready(shard)), shards)
        return min(self._records.starts[missing] // self._batch_size, self.per_epoch)

    def _shards_of(self, number: int) -> range:
        """The shards that batch `number` draws from."""
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

    def draw(self, number: np.int64) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
        """The records of this part of batch `number`, bytes [B], and which of its images to mirror, bool [B]."""
        epoch, batch = divmod(int(number), self.per_epoch)
        order = epoch_order(self._seed, epoch, self._records.counts)
        begin = batch * self._batch_size + self._offset
        records = self._records.read(order[begin : begin + self._size])
        first = int(number) * self._batch_size + self._offset
        flips = random_flips(self._seed, np.arange(first, first + self._size))
        return np.array(records, dtype=object), flips & self._flip

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _read(self, number: Any) -> tuple[Any, Any]:
        records, flips = tf.numpy_function(self.draw, [number], [tf.string, tf.bool], stateful=False)
        return tf.ensure_shape(records, [self._size]), tf.ensure_shape(flips, [self._size])

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _decode(self, records: Any, flips: Any) -> dict[str, Any]:
        values = parse(records, self._dataset)
        pixels = values["pixels"]
        if self._flip:
            pixels = tf.where(flips[:, None, None, None], tf.reverse(pixels, [2]), pixels)
        images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        shape = (self._size, *self._dataset.image_shape)
        return {"images": tf.ensure_shape(images, shape), "labels": tf.ensure_shape(values["labels"], shape[:1])}
