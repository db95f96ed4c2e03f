"""The random choices of training input, each a pure function of the seed and a position.

There is no generator state, so a run resumed at any batch sees the same data as an uninterrupted one.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

_MASK = 0xFFFFFFFFFFFFFFFF


@functools.lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, counts: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """A permutation of all examples for one epoch.

    The first epoch visits shard after shard, in random order within each, so that it can start once the first shard has
    arrived. That is as random as any order, since examples were assigned to shards at random. Later epochs permute
    all shards together.

    Args:
        seed: of the run.
        epoch: from 0.
        counts: examples per shard.

    Returns:
        int64 [sum(counts)], read-only.
    """
    if epoch:
        order = np.random.default_rng([seed, epoch]).permutation(sum(counts))
    else:
        starts = np.cumsum([0, *counts])
        # With one shard this equals the permutation of (seed, 0): a seed sequence is padded with zeros.
        orders = [np.random.default_rng([seed, 0, shard]).permutation(count) for shard, count in enumerate(counts)]
        order = np.concatenate([start + each for start, each in zip(starts, orders, strict=False)])
    order.setflags(write=False)
    return order


def random_flips(seed: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether to mirror each example of a run, with probability 1/2; bool, of the shape of `numbers`.

    The top bit of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
    OOPSLA 2014), whose n-th output is a hash of seed + n * 0x9e3779b97f4a7c15.
    """
    start = _mix(np.asarray([seed & _MASK], np.uint64))
    return (_mix(start + numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(63)).astype(bool)


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
