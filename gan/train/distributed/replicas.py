"""Data parallelism that takes exactly the step that one device would take.

A replica is one device's copy of the networks and optimisers. Each takes an equal slice of every batch. Random numbers
are drawn for the global batch, identically everywhere, and each replica uses its slice of them. Whatever couples the
examples of a batch (a loss, BatchNorm's moments, a divergence between batches) is computed over the global batch, which
the replicas gather first. Gradients are summed. So N replicas of batch B/N equal one device with batch B, up to the
rounding of sums, whatever the loss.

All methods but `scope`, `run_on_all` and `all_reduce_max` are for code that runs on a replica.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

from gan.errors import ConfigError
from gan.types import Tensor

ReplicaFn = Callable[..., Any]


class Replicas:
    """A single device: every method returns its input.

    `count` is the number of replicas over all workers. `worker` of `workers` is this process, from 0; worker 0, the
    chief, publishes.
    """

    count = 1
    worker = 0
    workers = 1

    @property
    def chief(self) -> bool:
        """Whether this process is the one that publishes."""
        return self.worker == 0

    def check(self, batch_size: int, images_together: int = 1) -> None:
        """Check that a batch divides evenly over the replicas, and each part into packs or groups of images.

        Raises:
            ConfigError: it does not.
        """
        unit = self.count * images_together
        if batch_size % unit:
            together = f"the {images_together} images of discriminator.packing times discriminator.minibatch_std"
            packs = f" times {together}" if images_together > 1 else ""
            raise ConfigError(
                f"train.batch_size must be a multiple of {unit}, the number of devices that share a batch "
                f"({self.workers} worker{'s' * (self.workers > 1)} with {self.count // self.workers} each){packs}; "
                f"got {batch_size}. Give --set train.batch_size={-(-batch_size // unit) * unit}, or fewer "
                "devices (CUDA_VISIBLE_DEVICES)"
            )

    def check_jit_compile(self, jit_compile: bool) -> None:
        """Check that XLA, if it is to compile the step, has a single device.

        XLA compiles no all-reduce between the devices of a `tf.distribute` strategy, nor between workers.

        Raises:
            ConfigError: several devices share a batch.
        """
        if jit_compile and self.count > 1:
            raise ConfigError(
                f"train.jit_compile=true needs a single device, and {self.count} share each batch; set "
                "train.jit_compile=false, or give one device (CUDA_VISIBLE_DEVICES) and one worker"
            )

    def scope(self) -> AbstractContextManager[Any]:
        """Variables created inside get a copy on every replica."""
        return nullcontext()

    def run_on_all(self, replica_fn: ReplicaFn) -> ReplicaFn:
        """A function that runs `replica_fn` on all replicas and returns the result of this process's first one.

        Args:
            replica_fn: takes the numbers of a step and of an update, and tensors [N, ...] of which each replica gets
                its slice.
        """
        return replica_fn

    def local_slice(self, batch: Tensor) -> Tensor:
        """This replica's slice [B/N, ...] of a tensor [B, ...] over the global batch."""
        return batch

    def all_gather(self, local: Tensor) -> Tensor:
        """The global [B, ...] of which each replica has a slice [B/N, ...]; the same on every replica.

        The gradient flows into this replica's slice only, so that gradients summed over the replicas are those of the
        global computation.
        """
        return local

    def all_reduce_mean(self, local: Tensor) -> Tensor:
        """The mean of a scalar over the replicas."""
        return local

    def all_reduce_sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each tensor summed over the replicas; the same on every replica."""
        return list(tensors)

    def for_optimizer(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Summed gradients in the form that a Keras optimiser expects."""
        return list(gradients)

    def all_reduce_max(self, number: int) -> Tensor:
        """The largest of the workers' numbers (integers of at least 0): int32 [], not waited for."""
        return tf.constant(number, tf.int32)


class SharedReplicas(Replicas):
    """The replicas of a `tf.distribute` strategy: several devices of this process, several processes, or both."""

    def __init__(self, strategy: tf.distribute.Strategy, worker: int = 0, workers: int = 1) -> None:
        self._strategy = strategy
        self.count = strategy.num_replicas_in_sync
        self.worker = worker
        self.workers = workers
        self._local_count = self.count // workers
        self._max_over_workers = tf.function(self._build_max, autograph=False)

    def scope(self) -> AbstractContextManager[Any]:  # noqa: D102
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def run_on_all(self, replica_fn: ReplicaFn) -> ReplicaFn:  # noqa: D102
        def run(step: Tensor, update: Tensor, *tensors: Tensor) -> Any:
            slices = [self._distribute(tf.split(each, self._local_count)) for each in tensors]
            return self._first(self._strategy.run(replica_fn, args=(step, update, *slices)))

        return run

    def local_slice(self, batch: Tensor) -> Tensor:  # noqa: D102
        size = batch.shape[0] // self.count
        begin = tf.concat([[_rank() * size], tf.zeros(len(batch.shape) - 1, tf.int32)], 0)
        return tf.slice(batch, begin, [size, *batch.shape[1:]])

    def all_gather(self, local: Tensor) -> Tensor:  # noqa: D102
        size, rest = local.shape[0], local.shape[1:]

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def gather(mine: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
            position = tf.one_hot(_rank(), self.count, dtype=mine.dtype)
            padded = tf.tensordot(position, mine, 0)
            (gathered,) = self.all_reduce_sum([tf.reshape(padded, [self.count * size, *rest])])
            return gathered, self.local_slice

        return gather(local)

    def all_reduce_mean(self, local: Tensor) -> Tensor:  # noqa: D102
        return tf.reduce_mean(self.all_gather(tf.reshape(local, [1])))

    def all_reduce_sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:  # noqa: D102
        summed: list[Tensor] = tf.distribute.get_replica_context().all_reduce("sum", list(tensors))
        return summed

    def for_optimizer(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Each gradient divided by the number of replicas: the optimiser sums over the replicas again.

        It gets sums because its loss scaling checks only the first replica's gradients for overflow (Keras 3.15): an
        overflow on another replica would reach the weights.
        """
        return [gradient / self.count for gradient in gradients]

    def all_reduce_max(self, number: int) -> Tensor:  # noqa: D102
        return self._max_over_workers(tf.constant(number, tf.int32))

    def _build_max(self, number: Tensor) -> Tensor:
        numbers = self._distribute([number] * self._local_count)
        return self._first(
            self._strategy.run(lambda local: tf.reduce_max(self.all_gather(local[None])), args=(numbers,))
        )

    def _distribute(self, values: Sequence[Tensor]) -> Any:
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group - self.worker * self._local_count]
        )

    def _first(self, results: Any) -> Any:
        return tf.nest.map_structure(lambda each: self._strategy.experimental_local_results(each)[0], results)


def _rank() -> Tensor:
    """The index of the current replica over all workers."""
    return tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
