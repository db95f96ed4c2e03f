"""Random numbers for a batch that replicas share."""

from __future__ import annotations

from gan.train.distributed.replicas import Replicas
from gan.train.rng import StatelessRng
from gan.types import Tensor


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
