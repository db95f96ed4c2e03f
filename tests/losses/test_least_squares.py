from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.stats import norm

from gan.errors import ConfigError
from gan.losses import least_squares

LOGITS = arrays(np.float64, (5, 1), elements=st.floats(-1e3, 1e3))
PEARSON = least_squares.Options(fake_target=-1.0, real_target=1.0, generator_target=0.0)


def test_known_values() -> None:
    made = least_squares.make(least_squares.Options())
    assert float(made.discriminator(np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]]))) == 0.0
    assert float(made.discriminator(np.array([[0.0], [3.0]]), np.array([[2.0], [0.0]]))) == (1 + 4 + 4) / 4
    assert float(made.generator(np.array([[1.0], [-1.0]]))) == 1.0


@given(real=LOGITS, fake=LOGITS, targets=st.tuples(*[st.floats(-5, 5)] * 3))
def test_it_equals_numpys(real: Any, fake: Any, targets: tuple[float, float, float]) -> None:
    a, b, c = min(targets) - 0.5, *targets[1:]
    made = least_squares.make(least_squares.Options(fake_target=a, real_target=b, generator_target=c))
    expected = (np.square(real - b).mean() + np.square(fake - a).mean()) / 2
    assert float(made.discriminator(real, fake)) == pytest.approx(expected, rel=1e-9)
    assert float(made.generator(fake)) == pytest.approx(np.square(fake - c).mean() / 2, rel=1e-9)


def test_with_minus_one_one_and_zero_it_is_half_of_a_pearson_divergence() -> None:
    """Mao et al. (2017), equations 4 to 7: with the optimal D, and E_real[(D - c)^2] / 2 added, which is constant in G,
    the generator's loss is chi^2(p_real + p_fake || 2 p_fake) / 2.
    """
    real, fake = norm(0.0, 1.0).pdf, norm(0.7, 1.3).pdf
    generator = least_squares.make(PEARSON).generator

    def with_optimal_logit(x: float) -> float:
        logit = (real(x) - fake(x)) / (real(x) + fake(x))
        return float((real(x) + fake(x)) * generator(np.array([[logit]])))

    def divergence(x: float) -> float:
        return float((2 * fake(x) - real(x) - fake(x)) ** 2 / (real(x) + fake(x)))

    loss, chi_squared = (quad(each, -8, 9, limit=100)[0] for each in (with_optimal_logit, divergence))
    assert 2 * loss == pytest.approx(chi_squared, rel=1e-6)


def test_gradients_equal_finite_differences(automatic: Any, finite_differences: Any) -> None:
    real, fake = np.random.default_rng(0).normal(size=(2, 6, 1))
    made = least_squares.make(PEARSON)
    for function, at in (
        (lambda logits: made.discriminator(logits, fake), real),
        (lambda logits: made.discriminator(real, logits), fake),
        (made.generator, fake),
    ):
        np.testing.assert_allclose(automatic(function, at), finite_differences(function, at), atol=1e-7)


@pytest.mark.parametrize(("options", "is_boundary"), [(least_squares.Options(), False), (PEARSON, True)])
def test_zero_is_the_boundary_if_the_targets_are_symmetric(options: least_squares.Options, is_boundary: bool) -> None:
    made = least_squares.make(options)
    assert made.zero_is_boundary == is_boundary
    real, fake = np.array([[1.5], [-0.4]]), np.array([[0.7], [-2.0]])
    assert np.isclose(made.discriminator(-fake, -real), made.discriminator(real, fake)) == is_boundary


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"real_target": 0.0}, r"loss.real_target must be above loss.fake_target, 0.0; got 0.0"),
        ({"fake_target": 0.5, "generator_target": -1}, r"loss.generator_target must be above .*0.5; got -1.0"),
    ],
)
def test_targets_on_the_wrong_side_are_refused(keys: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        least_squares.Options(**keys)
