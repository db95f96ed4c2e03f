from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_expit

from gan.losses.cross_entropy import cross_entropy, discriminator_cross_entropy
from gan.losses.interface import LabelFlips

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-1e3, 1e3))
MASK = arrays(np.bool_, (5, 1))


def second(logits: Any, targets: Any) -> Any:
    """-t log sigmoid(x) - (1 - t) log sigmoid(-x), by scipy."""
    return np.mean(-targets * log_expit(logits) - (1 - targets) * log_expit(-logits))


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_an_undecided_logit_costs_log_2_whatever_the_target(target: float) -> None:
    assert float(cross_entropy(tf.zeros([3, 1]), target)) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("logit", "target", "expected"),
    [(1.0, 1.0, 0.3132616875), (1.0, 0.0, 1.3132616875), (1e4, 0.0, 1e4), (1e4, 1.0, 0.0), (-1e4, 1.0, 1e4)],
)
def test_known_values(logit: float, target: float, expected: float) -> None:
    assert float(cross_entropy(tf.constant([[logit]], tf.float64), target)) == pytest.approx(expected)


@given(logits=LOGITS, targets=arrays(np.float64, (5, 1), elements=st.floats(0, 1)))
def test_it_equals_scipys_and_is_never_negative(logits: Any, targets: Any) -> None:
    found = float(cross_entropy(logits, targets))
    assert found == pytest.approx(second(logits, targets), rel=1e-9, abs=1e-12)
    assert found >= 0


def test_it_equals_tensorflows() -> None:
    logits, targets = tf.constant([[-3.0], [0.2], [5.0]]), tf.constant([[0.0], [0.9], [1.0]])
    expected = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits))
    np.testing.assert_allclose(cross_entropy(logits, targets), expected, rtol=1e-6)


@given(real=LOGITS, fake=LOGITS, flip_real=MASK, flip_fake=MASK, smoothing=st.floats(0, 0.5))
def test_smoothing_is_one_sided_and_noise_swaps_the_labels(
    real: Any, fake: Any, flip_real: Any, flip_fake: Any, smoothing: float
) -> None:
    found = discriminator_cross_entropy(real, fake, LabelFlips(flip_real, flip_fake), label_smoothing=smoothing)
    expected = second(real, (1 - smoothing) * ~flip_real) + second(fake, (1 - smoothing) * flip_fake)
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_smoothing_leaves_the_generated_side_alone() -> None:
    low = tf.constant([[-1e4]])
    assert float(discriminator_cross_entropy(-low, low, label_smoothing=0.0)) == 0.0
    with_smoothing = float(discriminator_cross_entropy(-low, low, label_smoothing=0.1))
    assert with_smoothing == pytest.approx(0.1 * 1e4)  # all of it from the real side


def test_flipping_all_labels_swaps_the_sides() -> None:
    real, fake = tf.constant([[1.0], [2.0]]), tf.constant([[-0.5], [0.1]])
    everything = LabelFlips(tf.ones([2, 1], tf.bool), tf.ones([2, 1], tf.bool))
    np.testing.assert_allclose(
        discriminator_cross_entropy(real, fake, everything), discriminator_cross_entropy(fake, real), rtol=1e-6
    )


def test_the_best_smoothed_logit_is_the_log_odds_of_the_target(automatic: Any) -> None:
    best = np.array([[np.log(0.9 / 0.1)]])
    slope = automatic(lambda logits: cross_entropy(logits, 0.9), best)
    np.testing.assert_allclose(slope, 0.0, atol=1e-12)


def test_gradients_equal_finite_differences(automatic: Any, finite_differences: Any) -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    flips = LabelFlips(tf.constant(rng.random((4, 1)) < 0.5), tf.constant(rng.random((4, 1)) < 0.5))
    for function in (
        lambda logits: discriminator_cross_entropy(logits, fake, flips, label_smoothing=0.2),
        lambda logits: discriminator_cross_entropy(real, logits, flips, label_smoothing=0.2),
        lambda logits: discriminator_cross_entropy(logits, fake),
    ):
        np.testing.assert_allclose(automatic(function, real), finite_differences(function, real), atol=1e-8)
