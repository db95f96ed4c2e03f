from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from gan.train.rng import DRAWS_PER_UPDATE, StatelessRng


def test_the_same_seed_step_update_and_index_give_the_same_numbers() -> None:
    first, second = (StatelessRng(3, 17, 1) for _ in range(2))
    for _ in range(3):
        np.testing.assert_array_equal(first.latents(4, 5), second.latents(4, 5))


def test_any_other_seed_step_update_or_index_gives_others() -> None:
    rows = []
    for seed, step, update in itertools.product((0, 1), (0, 1, 2, 10**6), (0, 1)):
        rng = StatelessRng(seed, step, update)
        rows += [tuple(rng.latents(1, 4).numpy()[0]) for _ in range(2)]
    assert len(set(rows)) == len(rows)


def test_draws_are_the_same_inside_a_graph() -> None:
    in_graph = tf.function(lambda step: StatelessRng(5, step).latents(2, 3))
    np.testing.assert_array_equal(in_graph(tf.constant(9, tf.int64)), StatelessRng(5, 9).latents(2, 3))


def test_latents_are_standard_normal() -> None:
    latents = StatelessRng(0, 1).latents(2000, 10).numpy()
    assert latents.dtype == np.float32
    assert abs(latents.mean()) < 0.03
    assert abs(latents.std() - 1) < 0.03


def test_a_mask_is_true_in_the_share_asked_for() -> None:
    rng = StatelessRng(0, 1)
    assert abs(rng.mask((20_000, 1), 0.2).numpy().mean() - 0.2) < 0.02
    assert not rng.mask((100, 1), 0.0).numpy().any()


def test_more_draws_than_an_update_has_are_refused() -> None:
    rng = StatelessRng(0, 1)
    for _ in range(DRAWS_PER_UPDATE):
        rng.uniform((1,))
    with pytest.raises(ValueError, match="raise DRAWS_PER_UPDATE"):
        rng.uniform((1,))
