from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan.regularisers import lecam

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-20, 20))


def test_known_values() -> None:
    real, fake = tf.constant([[3.0], [-5.0]]), tf.constant([[0.0], [9.0]])
    found = lecam.lecam(real, fake, tf.constant(2.0), tf.constant(1.0))
    assert float(found) == (3 - 1) ** 2 / 2 + (2 - 0) ** 2 / 2


@given(real=LOGITS, fake=LOGITS, averages=st.tuples(st.floats(-20, 20), st.floats(-20, 20)))
def test_it_equals_numpys_and_exchanging_the_sides_mirrors_it(real: Any, fake: Any, averages: Any) -> None:
    mean_real, mean_fake = averages
    found = float(lecam.lecam(tf.constant(real), tf.constant(fake), mean_real, mean_fake))
    expected = (np.maximum(real - mean_fake, 0) ** 2).mean() + (np.maximum(mean_real - fake, 0) ** 2).mean()
    assert found == pytest.approx(expected, abs=1e-9)
    assert float(lecam.lecam(tf.constant(-fake), tf.constant(-real), -mean_fake, -mean_real)) == pytest.approx(found)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=20), st.floats(0, 0.999))
def test_an_average_is_the_sum_without_a_share_of_its_beginning(values: list[float], decay: float) -> None:
    average = tf.constant(123.0)
    for count, value in enumerate(values, start=1):
        average = lecam.next_average(average, tf.constant(value), tf.constant(count, tf.int64), decay)
    shares = (1 - decay) * decay ** np.arange(len(values))[::-1]
    assert float(average) == pytest.approx(np.dot(shares, values) / shares.sum(), abs=2e-2)


def test_an_average_is_that_of_adams_moments() -> None:
    """Kingma and Ba (2015), algorithm 1: m / (1 - beta^t)."""
    values, moment, average = np.random.default_rng(0).normal(size=50), 0.0, tf.constant(0.0)
    for count, value in enumerate(values, start=1):
        moment = 0.99 * moment + 0.01 * value
        average = lecam.next_average(average, tf.constant(value, tf.float32), tf.constant(count, tf.int64), 0.99)
        assert float(average) == pytest.approx(moment / (1 - 0.99**count), abs=1e-4)


def test_it_follows_the_logits_it_observes_and_has_no_gradient_through_them() -> None:
    made = lecam.make(lecam.Options(decay=0.5))
    assert made.observe is not None
    assert made.of_logits is not None
    real, fake = tf.constant([[2.0], [4.0]]), tf.constant([[-1.0], [-3.0]])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        made.observe(real, fake)
        value = made.of_logits(real, fake)
    assert {name: float(each) for name, each in made.variables.items()} == pytest.approx(
        {"real_average": 3.0, "fake_average": -2.0, "updates": 1}
    )
    assert float(value) == pytest.approx((16 + 36) / 2 + (16 + 36) / 2)
    up, down = tape.gradient(value, [real, fake])
    np.testing.assert_allclose(up, [[4.0], [6.0]], rtol=1e-5)  # 2 (logit + 2) / N
    np.testing.assert_allclose(down, [[-4.0], [-6.0]], rtol=1e-5)
    made.observe(real + 3.0, fake)
    assert float(made.variables["real_average"]) == pytest.approx((1 * 3 + 2 * 6) / 3, rel=1e-6)
    assert int(made.variables["updates"]) == 2
