from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit

from gan.losses import minimax
from gan.losses.cross_entropy import discriminator_cross_entropy

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-100, 100))


def test_known_values() -> None:
    assert float(minimax.minimax_generator(np.zeros((3, 1)))) == pytest.approx(-np.log(2))
    assert float(minimax.minimax_generator(np.array([[1e4]]))) == -1e4


@given(LOGITS)
def test_it_is_the_mean_of_log_one_minus_d_by_scipy_and_never_positive(logits: Any) -> None:
    found = float(minimax.minimax_generator(logits))
    assert found == pytest.approx(np.mean(log_expit(-logits)), rel=1e-9, abs=1e-12)
    assert found <= 0


def test_its_gradient_is_minus_sigmoid_and_so_saturates(automatic: Any, finite_differences: Any) -> None:
    logits = np.array([[-30.0], [-1.0], [0.0], [2.0]])
    found = automatic(minimax.minimax_generator, logits)
    np.testing.assert_allclose(found, -expit(logits) / 4, rtol=1e-9)
    np.testing.assert_allclose(found, finite_differences(minimax.minimax_generator, logits), atol=1e-8)
    assert abs(found[0, 0]) < 1e-12


@given(LOGITS)
def test_it_is_the_discriminators_gain_on_generated_images(logits: Any) -> None:
    """Zero sum: what the discriminator loses on generated images, the generator gains."""
    sure = np.full((5, 1), 1e4)  # of the real ones, which then cost nothing
    discriminator = float(discriminator_cross_entropy(sure, logits))
    assert float(minimax.minimax_generator(logits)) == pytest.approx(-discriminator, rel=1e-9, abs=1e-12)


def test_it_takes_smoothing_and_noise_from_the_config() -> None:
    made = minimax.make(minimax.Options(label_smoothing=0.1, label_noise=0.05))
    assert made.label_noise == 0.05
    assert made.logit_is_log_ratio
    sure = np.full((1, 1), 100.0)
    assert float(made.discriminator(sure, -sure)) == pytest.approx(0.1 * 100)
