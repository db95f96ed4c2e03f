from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit

from gan.losses import non_saturating

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-1e3, 1e3))


def test_known_values() -> None:
    assert float(non_saturating.non_saturating_generator(np.zeros((3, 1)))) == pytest.approx(np.log(2))
    assert float(non_saturating.non_saturating_generator(np.array([[-1e4]]))) == 1e4


@given(LOGITS)
def test_it_is_minus_the_mean_of_log_d_by_scipy_and_never_negative(logits: Any) -> None:
    found = float(non_saturating.non_saturating_generator(logits))
    assert found == pytest.approx(-np.mean(log_expit(logits)), rel=1e-9, abs=1e-12)
    assert found >= 0


def test_its_gradient_is_largest_where_the_generator_loses(automatic: Any, finite_differences: Any) -> None:
    logits = np.array([[-30.0], [-1.0], [0.0], [2.0]])
    found = automatic(non_saturating.non_saturating_generator, logits)
    np.testing.assert_allclose(found, -expit(-logits) / 4, rtol=1e-9)
    np.testing.assert_allclose(found, finite_differences(non_saturating.non_saturating_generator, logits), atol=1e-8)
    assert np.all(np.diff(found, axis=0) > 0)


def test_it_takes_smoothing_and_noise_from_the_config() -> None:
    made = non_saturating.make(non_saturating.Options(label_smoothing=0.2, label_noise=0.05))
    assert made.label_noise == 0.05
    assert made.logit_is_log_ratio
    sure = np.full((1, 1), 100.0)
    assert float(made.discriminator(sure, -sure)) == pytest.approx(0.2 * 100)
