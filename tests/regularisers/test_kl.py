from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.stats import norm

from gan.losses.interface import DiscriminatorOutput
from gan.regularisers import kl

FEATURES = arrays(np.float64, (6, 3), elements=st.floats(-10, 10))
SCALES = st.floats(0.1, 10)


def with_moments(mean: list[float], deviation: list[float]) -> Any:
    """Two points a feature, with exactly these moments."""
    return np.array(mean) + np.array([[1.0], [-1.0]]) * np.array(deviation)


def exact(real: Any, fake: Any) -> float:
    """With next to no shrinkage."""
    return float(kl.gaussian_kl(tf.constant(real), tf.constant(fake), shrinkage=1e-12))


def general_formula(mean_p: Any, covariance_p: Any, mean_q: Any, covariance_q: Any) -> float:
    """KL(p || q) of Gaussians with any covariance: a second implementation, with matrices."""
    inverse = np.linalg.inv(covariance_q)
    apart = mean_q - mean_p
    log_determinants = np.linalg.slogdet(covariance_q)[1] - np.linalg.slogdet(covariance_p)[1]
    return float(0.5 * (np.trace(inverse @ covariance_p) + apart @ inverse @ apart - len(mean_p) + log_determinants))


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [
        (0.0, 1.0, 0.0),
        (2.0, 1.0, 2.0),  # half the squared distance of the means
        (0.0, 2.0, 0.5 * (1 / 4 - 1 + np.log(4))),
        (0.0, 0.5, 0.5 * (4 - 1 - np.log(4))),
    ],
)
def test_known_values_against_a_standard_normal(mean: float, deviation: float, expected: float) -> None:
    assert exact(with_moments([0.0], [1.0]), with_moments([mean], [deviation])) == pytest.approx(expected, abs=1e-9)


def test_it_equals_the_integral_of_the_definition() -> None:
    p, q = norm(0.3, 1.2), norm(-0.5, 0.8)
    integral, _ = quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -15, 15)
    assert exact(with_moments([0.3], [1.2]), with_moments([-0.5], [0.8])) == pytest.approx(integral, rel=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_it_equals_the_general_formula_with_the_covariances_cut_to_their_diagonals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    real, fake = rng.normal(size=(20, 4)), rng.normal(1.0, 2.0, size=(30, 4))
    floor = 0.01 * real.var(axis=0).mean() + kl.EPSILON
    expected = general_formula(
        real.mean(axis=0), np.diag(real.var(axis=0) + floor), fake.mean(axis=0), np.diag(fake.var(axis=0) + floor)
    )
    assert float(kl.gaussian_kl(tf.constant(real), tf.constant(fake))) == pytest.approx(expected, rel=1e-9)


@given(real=FEATURES, fake=FEATURES)
def test_it_is_finite_and_never_negative(real: Any, fake: Any) -> None:
    found = float(kl.gaussian_kl(tf.constant(real), tf.constant(fake)))
    assert np.isfinite(found)
    assert found >= -1e-9


@given(features=FEATURES, order=st.permutations(range(6)))
def test_it_is_zero_for_the_same_batch_in_any_order(features: Any, order: list[int]) -> None:
    assert float(kl.gaussian_kl(tf.constant(features), tf.constant(features[order]))) == pytest.approx(0, abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1), scale=SCALES, shift=st.floats(-10, 10))
def test_it_is_invariant_to_scaling_or_shifting_all_features(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    real, fake = rng.normal(size=(8, 3)), rng.normal(0.5, 0.3, size=(8, 3))
    before = float(kl.gaussian_kl(tf.constant(real), tf.constant(fake)))
    after = float(kl.gaussian_kl(tf.constant(scale * real + shift), tf.constant(scale * fake + shift)))
    assert after == pytest.approx(before, rel=1e-6)


def test_a_collapsed_batch_costs_much_more_than_one_spread_too_wide() -> None:
    real = with_moments([0.0] * 4, [1.0] * 4)
    collapsed = float(kl.gaussian_kl(tf.constant(real), tf.constant(0.1 * real)))
    wide = float(kl.gaussian_kl(tf.constant(real), tf.constant(10.0 * real)))
    assert collapsed > 10 * wide


def test_a_step_along_its_gradient_spreads_a_collapsed_batch() -> None:
    rng = np.random.default_rng(0)
    real, fake = tf.constant(rng.normal(size=(16, 4))), tf.Variable(rng.normal(0.0, 0.1, size=(16, 4)))
    with tf.GradientTape() as tape:
        value = kl.gaussian_kl(real, fake)
    moved = fake - 1e-3 * tape.gradient(value, fake)
    assert np.all(np.var(moved, axis=0) > np.var(fake, axis=0))


@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_it_stays_finite_with_finite_gradients_where_nothing_varies(constant: float) -> None:
    for real in (tf.fill([4, 2], constant), tf.random.stateless_normal([4, 2], [1, 2])):
        fake = tf.fill([4, 2], constant)
        with tf.GradientTape() as tape:
            tape.watch(fake)
            value = kl.gaussian_kl(real, fake)
        assert np.isfinite(value)
        assert np.all(np.isfinite(tape.gradient(value, fake)))


def test_gradients_equal_finite_differences_and_none_flows_into_the_real_batch(
    automatic: Any, finite_differences: Any
) -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))

    def function(features: Any) -> Any:
        return kl.gaussian_kl(tf.constant(real), features)

    np.testing.assert_allclose(automatic(function, fake), finite_differences(function, fake), rtol=1e-6, atol=1e-8)
    point = tf.constant(real)
    with tf.GradientTape() as tape:
        tape.watch(point)
        value = kl.gaussian_kl(point, tf.constant(fake))
    assert tape.gradient(value, point) is None


def test_two_batches_of_one_distribution_score_about_two_features_a_sample() -> None:
    """The floor 2 F / N that the docstring states."""
    rng = np.random.default_rng(0)
    scores = [exact(*rng.normal(size=(2, 256, 8))) for _ in range(200)]
    assert np.mean(scores) == pytest.approx(2 * 8 / 256, rel=0.1)


def test_the_logit_of_an_optimal_discriminator_gives_the_divergence_of_known_densities() -> None:
    """KL(N(0.7, 0.9) || N(0, 1)), once in closed form, once from log(p_real / p_generated) at generated samples."""
    real, generated = norm(0.0, 1.0), norm(0.7, 0.9)
    samples = generated.rvs(400_000, random_state=np.random.default_rng(0))[:, None]
    logits = real.logpdf(samples) - generated.logpdf(samples)
    expected = np.log(1 / 0.9) + (0.9**2 + 0.7**2) / 2 - 0.5
    assert float(kl.density_ratio_kl(logits)) == pytest.approx(expected, rel=0.01)


def test_its_gradient_is_that_of_the_divergence_though_the_discriminator_is_fixed() -> None:
    """For N(theta, 1) against N(0, 1) the divergence is theta^2 / 2 and its derivative theta."""
    noise, fixed = tf.random.stateless_normal([1000, 1], [1, 2]), 0.8
    theta = tf.Variable(fixed)
    with tf.GradientTape() as tape:
        samples = theta + noise
        logits = ((samples - fixed) ** 2 - samples**2) / 2
        value = kl.density_ratio_kl(logits)
    assert float(tape.gradient(value, theta)) == pytest.approx(fixed, rel=1e-5)


def discriminator_output(seed: int) -> DiscriminatorOutput:
    rng = np.random.default_rng(seed)
    return DiscriminatorOutput(
        tf.constant(rng.normal(size=(4, 1)), tf.float32), tf.constant(rng.normal(size=(4, 3)), tf.float32)
    )


def test_the_config_chooses_the_gaussian_estimator() -> None:
    made = kl.make(kl.Options(weight=0.1))
    real, fake = discriminator_output(0), discriminator_output(1)
    assert (made.name, made.weight, made.needs_real) == ("kl", 0.1, True)
    assert float(made.of_outputs(real, fake)) == float(kl.gaussian_kl(real.features, fake.features))
    with pytest.raises(ValueError, match="real batch"):
        made.of_outputs(None, fake)


def test_the_config_chooses_the_density_ratio_which_needs_no_real_batch() -> None:
    made = kl.make(kl.Options(weight=0.1, estimator="density_ratio"))
    fake = discriminator_output(1)
    assert not made.needs_real
    assert float(made.of_outputs(None, fake)) == float(kl.density_ratio_kl(fake.logits))
