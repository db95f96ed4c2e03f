"""Stateless random choices."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gan.data.random_choices import epoch_order, random_flips

SEEDS = st.integers(0, 2**31 - 1)


COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=6).map(tuple)


@given(SEEDS, st.integers(0, 1000), COUNTS)
def test_an_epoch_is_a_permutation(seed: int, epoch: int, counts: tuple[int, ...]) -> None:
    assert sorted(epoch_order(seed, epoch, counts)) == list(range(sum(counts)))


@given(SEEDS, COUNTS)
def test_the_first_epoch_goes_from_shard_to_shard(seed: int, counts: tuple[int, ...]) -> None:
    order, start = epoch_order(seed, 0, counts), 0
    for count in counts:
        assert sorted(order[start : start + count]) == list(range(start, start + count))
        start += count


def test_later_epochs_mix_the_shards() -> None:
    for epoch in (1, 2):
        assert {number // 100 for number in epoch_order(3, epoch, (100,) * 5)[:50]} == set(range(5))


@given(SEEDS, st.integers(0, 1000), st.integers(1, 300))
def test_one_shard_has_the_order_of_seed_and_epoch(seed: int, epoch: int, examples: int) -> None:
    """Existing runs were trained in this order."""
    expected = np.random.default_rng([seed, epoch]).permutation(examples)
    np.testing.assert_array_equal(epoch_order(seed, epoch, (examples,)), expected)


def test_epochs_shards_and_seeds_differ() -> None:
    orders = {tuple(epoch_order(seed, epoch, (50,))) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    first = epoch_order(0, 0, (50, 50, 50)).reshape(3, 50) - np.arange(0, 150, 50)[:, None]
    assert len({tuple(shard) for shard in first} | orders) == 11  # the first shard's is that of one shard alone


def test_splitmix64_against_the_published_sequence() -> None:
    """The reference implementation seeded with 1234567 begins with these five numbers (Vigna, splitmix64.c)."""
    state, found = 1234567, []
    for _ in range(5):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        found.append(z ^ (z >> 31))
    assert found[:2] == [6457827717110365317, 3203168211198807973]
    start = _unmixed(1234567)
    assert random_flips(start, np.arange(1, 6)).tolist() == [bool(value >> 63) for value in found]


def _unmixed(value: int) -> int:
    """The inverse of SplitMix64's mixing, so that the hashed seed is the published one."""
    for multiplier, shifts in ((0x94D049BB133111EB, 31), (0xBF58476D1CE4E5B9, 27)):
        value = _unshifted(value, shifts) * pow(multiplier, -1, 2**64) % 2**64
    return _unshifted(value, 30)


def _unshifted(value: int, shift: int) -> int:
    found = value
    for _ in range(64 // shift + 1):
        found = value ^ (found >> shift)
    return found


@given(SEEDS, st.integers(0, 2**40), st.integers(0, 50))
def test_a_coin_depends_on_its_own_number_alone(seed: int, first: int, skipped: int) -> None:
    numbers = np.arange(first, first + 60)
    np.testing.assert_array_equal(random_flips(seed, numbers)[skipped:], random_flips(seed, numbers[skipped:]))


def test_coins_are_fair_and_independent() -> None:
    tossed = np.stack([random_flips(seed, np.arange(20_000)) for seed in range(4)])
    assert np.abs(tossed.mean(1) - 0.5).max() < 0.02
    correlation = np.corrcoef(tossed) - np.eye(4)
    assert np.abs(correlation).max() < 0.03
