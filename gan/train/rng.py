"""Random numbers without state: each is a function of the seed, the step and the number of the draw.

A resumed run therefore draws what it would have drawn, and there is no generator state to save.
"""

from __future__ import annotations

import tensorflow as tf

from gan.types import Latents, Tensor

DRAWS_A_PART = 16
PARTS_A_STEP = 256


class StatelessRng:
    """The draws of one part of a step, numbered in the order in which they are asked for.

    Args:
        seed: the run's seed.
        step: int64 scalar, at least 0.
        part: int64 scalar in [0, PARTS_A_STEP): which of the step's discriminator updates.
    """

    def __init__(self, seed: int, step: Tensor | int, part: Tensor | int = 0) -> None:
        self._seed = tf.constant(seed, tf.int64)
        self._first = (tf.cast(step, tf.int64) * PARTS_A_STEP + tf.cast(part, tf.int64)) * DRAWS_A_PART
        self._drawn = 0

    def latents(self, count: int, size: int) -> Latents:
        """Standard normal float32 [count, size]."""
        return tf.random.stateless_normal((count, size), self._next(), alg="philox")

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform float32 in [0, 1)."""
        return tf.random.stateless_uniform(shape, self._next(), alg="philox")

    def mask(self, shape: tuple[int, ...], share: float) -> Tensor:
        """Boolean, each True with probability `share`."""
        return self.uniform(shape) < share

    def _next(self) -> Tensor:
        number, self._drawn = self._drawn, self._drawn + 1
        if number >= DRAWS_A_PART:
            raise ValueError(f"a part of a step has {DRAWS_A_PART} draws at most: raise DRAWS_A_PART")
        return tf.stack([self._seed, self._first + number])
