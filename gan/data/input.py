"""Training input: an endless, deterministic stream of batches that starts at any batch at no cost.

Each epoch visits the examples in a fresh order over all shards: a permutation drawn from (seed, epoch), not a shuffle
buffer, so every order is equally likely whatever the number of shards. Records are reached by number, so resuming
reads nothing twice. What an epoch has beyond its last full batch is left out of it; another epoch's order brings it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.data.draw import coins, epoch_order
from gan.data.features import parse
from gan.data.records import Records
from gan.data.spec import Dataset
from gan.errors import ConfigError, DataError, IntegrityError


class Batches:
    """The batches of one split.

    Args:
        dataset: see `gan.data.spec.load`.
        paths: the split's shards, from `gan.data.stage.stage`.
        split: which split they are.
        batch_size: images a batch; every batch is full.
        seed: of the order and of the flips.
        flip: mirror each image left to right with probability 1/2.

    Raises:
        DataError: the split has fewer examples than one batch.
        IntegrityError: the shards hold another number of examples than the dataset says.
    """

    def __init__(
        self, dataset: Dataset, paths: Sequence[Path], *, split: str, batch_size: int, seed: int, flip: bool
    ) -> None:
        examples = dataset.split(split).examples
        if batch_size < 1:
            raise ConfigError(f"train.batch_size must be at least 1; got {batch_size}")
        if examples < batch_size:
            raise DataError(
                f'split "{split}" of dataset {dataset.id} has {examples} examples, fewer than one batch of '
                f"{batch_size}; lower train.batch_size to at most {examples}, or prepare more images"
            )
        self._records = Records(paths)
        if len(self._records) != examples:
            raise IntegrityError(
                f'the shards of split "{split}" hold {len(self._records)} examples, dataset {dataset.id} says '
                f"{examples}; prepare the data again"
            )
        self.per_epoch = examples // batch_size
        self._dataset = dataset
        self._batch_size = batch_size
        self._seed = seed
        self._flip = flip

    def from_batch(self, number: int) -> Any:
        """A `tf.data.Dataset` without end whose first element is batch `number`, counted from 0 over all epochs.

        Each element is {"images": float32 [B, H, W, C] in [-1, 1], "labels": int32 [B]}; labels are all 0 where the
        dataset has no classes.
        """
        options = tf.data.Options()
        options.deterministic = True
        batches = tf.data.Dataset.range(number, np.iinfo(np.int64).max)
        return (
            batches.map(self._read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .map(self._decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )

    def draw(self, number: np.int64) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
        """The records of batch `number`, bytes [B], and which of its images to mirror, bool [B]."""
        epoch, batch = divmod(int(number), self.per_epoch)
        order = epoch_order(self._seed, epoch, len(self._records))
        records = self._records.read(order[batch * self._batch_size : (batch + 1) * self._batch_size])
        first = int(number) * self._batch_size
        flips = coins(self._seed, np.arange(first, first + self._batch_size))
        return np.array(records, dtype=object), flips & self._flip

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _read(self, number: Any) -> tuple[Any, Any]:
        records, flips = tf.numpy_function(self.draw, [number], [tf.string, tf.bool], stateful=False)
        return tf.ensure_shape(records, [self._batch_size]), tf.ensure_shape(flips, [self._batch_size])

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _decode(self, records: Any, flips: Any) -> dict[str, Any]:
        values = parse(records, self._dataset)
        pixels = values["pixels"]
        if self._flip:
            pixels = tf.where(flips[:, None, None, None], tf.reverse(pixels, [2]), pixels)
        images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        shape = (self._batch_size, *self._dataset.image_shape)
        return {"images": tf.ensure_shape(images, shape), "labels": tf.ensure_shape(values["labels"], shape[:1])}
