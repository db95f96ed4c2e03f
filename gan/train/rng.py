"""Stateless random numbers: each draw is a function of the seed, the step, the update and the draw's index.

A resumed run therefore draws what it would have drawn, and no generator state has to be saved.
"""

from __future__ import annotations

import tensorflow as tf

from gan.train.distributed.replicas import Replicas
from gan.types import Latents, Tensor

DRAWS_PER_UPDATE = 16
UPDATES_PER_STEP = 256


class StatelessRng:
    """The draws of one discriminator update, indexed in the order of the calls.

    Args:
        seed: the run's seed, below 2^31.
        step: int64 scalar, at least 0.
        update: int64 scalar in [0, UPDATES_PER_STEP): which of the step's discriminator updates.
        stream: which of several independent sequences of draws, from 0.
    """

    def __init__(self, seed: int, step: Tensor | int, update: Tensor | int = 0, *, stream: int = 0) -> None:
        self._seed = tf.constant(seed + (stream << 32), tf.int64)
        self._first = (tf.cast(step, tf.int64) * UPDATES_PER_STEP + tf.cast(update, tf.int64)) * DRAWS_PER_UPDATE
        self._drawn = 0

    def latents(self, count: int, size: int) -> Latents:
        """Standard normal float32 [count, size]."""
        return tf.random.stateless_normal((count, size), self._next_seed(), alg="philox")

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal float32."""
        return tf.random.stateless_normal(shape, self._next_seed(), alg="philox")

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform float32 in [0, 1)."""
        return tf.random.stateless_uniform(shape, self._next_seed(), alg="philox")

    def mask(self, shape: tuple[int, ...], probability: float) -> Tensor:
        """Boolean, each True with this probability."""
        return self.uniform(shape) < probability

    def _next_seed(self) -> Tensor:
        index, self._drawn = self._drawn, self._drawn + 1
        if index >= DRAWS_PER_UPDATE:
            raise ValueError(f"an update has at most {DRAWS_PER_UPDATE} draws: raise DRAWS_PER_UPDATE")
        return tf.stack([self._seed, self._first + index])


class BatchDraws:
    """Draws for the images of one replica: its part of those for the global batch; see `gan.augmentations.interface`.

    Args:
        rng: the same on every replica.
        count: the images of the global batch.
        replicas: the devices that share it.
    """

    def __init__(self, rng: StatelessRng, count: int, replicas: Replicas) -> None:
        self._rng = rng
        self._count = count
        self._replicas = replicas

    def uniform(self, *shape: int) -> Tensor:
        """Uniform float32 [N, *shape] in [0, 1)."""
        return self._replicas.local_slice(self._rng.uniform((self._count, *shape)))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal float32 [N, *shape]."""
        return self._replicas.local_slice(self._rng.normal((self._count, *shape)))
