"""One batch shared by several devices, so that they take the very step that one device would take.

A replica is one device's copy of the networks and optimisers. Each takes an equal part of every batch. What is drawn at
random is drawn for the whole batch, by everyone alike, and each replica takes its part of it. What couples the
examples of a batch (a loss, the moments of BatchNorm, a divergence between batches) is computed over the whole batch:
the parts are joined first. Gradients are summed. So N replicas of batch B/N equal one of batch B up to the rounding
of sums, whatever the loss.

The methods other than `spread`, `scope` and `most` are for code that runs on a replica.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

from gan.errors import ConfigError
from gan.types import Tensor

Part = Callable[..., Any]


class Replicas:
    """One device alone: every method hands on what it was given.

    `count` is how many replicas there are over all workers. `worker` of `workers` is this process, from 0; worker 0
    publishes.
    """

    count = 1
    worker = 0
    workers = 1

    @property
    def chief(self) -> bool:
        """Whether this process is the one that publishes."""
        return self.worker == 0

    def check(self, batch_size: int) -> None:
        """Make sure that a batch has the same number of images for every replica.

        Raises:
            ConfigError: it has not.
        """
        if batch_size % self.count:
            raise ConfigError(
                f"train.batch_size must be a multiple of {self.count}, the number of devices that share a batch "
                f"({self.workers} worker{'s' * (self.workers > 1)} with {self.count // self.workers} each); "
                f"got {batch_size}. Give --set train.batch_size={-(-batch_size // self.count) * self.count}, or fewer "
                "devices (CUDA_VISIBLE_DEVICES)"
            )

    def scope(self) -> AbstractContextManager[Any]:
        """Variables made inside have a copy on every replica."""
        return nullcontext()

    def spread(self, part: Part) -> Part:
        """A function that runs `part` on all replicas and returns what the first of this process returned.

        Args:
            part: takes a step's number, a part's number, and tensors [N, ...] of which each replica gets its share.
        """
        return part

    def own(self, whole: Tensor) -> Tensor:
        """This replica's part [B/N, ...] of something [B, ...] that belongs to the whole batch."""
        return whole

    def whole(self, own: Tensor) -> Tensor:
        """The whole [B, ...] of which every replica has a part [B/N, ...], the same everywhere.

        The gradient goes into this replica's part alone: sums of gradients over the replicas are then those of what
        was computed from the whole.
        """
        return own

    def mean(self, own: Tensor) -> Tensor:
        """The mean of a scalar over the replicas."""
        return own

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each tensor summed over the replicas, the same everywhere."""
        return list(tensors)

    def for_optimizer(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Summed gradients as a Keras optimiser wants them."""
        return list(gradients)

    def most(self, number: int) -> Tensor:
        """The largest of the whole numbers, at least 0, that the workers gave: int32 [], not waited for."""
        return tf.constant(number, tf.int32)


class SharedReplicas(Replicas):
    """The replicas of a `tf.distribute` strategy: several devices of this process, several processes, or both."""

    def __init__(self, strategy: tf.distribute.Strategy, worker: int = 0, workers: int = 1) -> None:
        self._strategy = strategy
        self.count = strategy.num_replicas_in_sync
        self.worker = worker
        self.workers = workers
        self._local = self.count // workers
        self._most = tf.function(self._most_of_all, autograph=False)

    def scope(self) -> AbstractContextManager[Any]:  # noqa: D102
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def spread(self, part: Part) -> Part:  # noqa: D102
        def on_all(step: Tensor, number: Tensor, *tensors: Tensor) -> Any:
            shared = [self._distributed(tf.split(each, self._local)) for each in tensors]
            return self._first(self._strategy.run(part, args=(step, number, *shared)))

        return on_all

    def own(self, whole: Tensor) -> Tensor:  # noqa: D102
        size = whole.shape[0] // self.count
        begin = tf.concat([[_rank() * size], tf.zeros(len(whole.shape) - 1, tf.int32)], 0)
        return tf.slice(whole, begin, [size, *whole.shape[1:]])

    def whole(self, own: Tensor) -> Tensor:  # noqa: D102
        size, rest = own.shape[0], own.shape[1:]

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def joined(mine: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
            others = tf.one_hot(_rank(), self.count, dtype=mine.dtype)
            placed = tf.tensordot(others, mine, 0)
            (everything,) = self.sum([tf.reshape(placed, [self.count * size, *rest])])
            return everything, self.own

        return joined(own)

    def mean(self, own: Tensor) -> Tensor:  # noqa: D102
        return tf.reduce_mean(self.whole(tf.reshape(own, [1])))

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:  # noqa: D102
        summed: list[Tensor] = tf.distribute.get_replica_context().all_reduce("sum", list(tensors))
        return summed

    def for_optimizer(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """A share of each gradient: the optimiser sums over the replicas once more.

        It is given what is summed already because its loss scale looks at the first replica's gradients alone (Keras
        3.15): an overflow on another one would reach the weights.
        """
        return [gradient / self.count for gradient in gradients]

    def most(self, number: int) -> Tensor:  # noqa: D102
        return self._most(tf.constant(number, tf.int32))

    def _most_of_all(self, number: Tensor) -> Tensor:
        numbers = self._distributed([number] * self._local)
        return self._first(self._strategy.run(lambda own: tf.reduce_max(self.whole(own[None])), args=(numbers,)))

    def _distributed(self, values: Sequence[Tensor]) -> Any:
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group - self.worker * self._local]
        )

    def _first(self, results: Any) -> Any:
        return tf.nest.map_structure(lambda each: self._strategy.experimental_local_results(each)[0], results)


def _rank() -> Tensor:
    """The number of the replica that runs this, over all workers."""
    return tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
