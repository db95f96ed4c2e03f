"""Intervals: known quantiles, the closed form beside resampling, and whether they hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics import bootstrap, fid
from gan.metrics.bootstrap import normal_interval


@pytest.mark.parametrize(("confidence", "reach"), [(0.95, 1.959964), (0.99, 2.575829), (0.5, 0.67449)])
def test_normal_interval(confidence: float, reach: float) -> None:
    found = normal_interval(10.0, 2.0, confidence)
    assert (found.low, found.high) == pytest.approx((10 - 2 * reach, 10 + 2 * reach), rel=1e-5)


def test_interval_is_cut_to_what_is_possible() -> None:
    found = normal_interval(0.99, 1.0, 0.95, least=0.0, most=1.0)
    assert (found.low, found.high) == (0.0, 1.0)


def test_json() -> None:
    assert normal_interval(1.0, 0.0, 0.95).to_json() == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert normal_interval(1.0, 0.0, 0.95, floor=0.5).to_json()["floor"] == 0.5


def test_closed_form_is_the_limit_of_resampling() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(300) < 0.3
    resampled = bootstrap.standard_error(lambda rows: float(values[rows].mean()), len(values), 4000, rng)
    assert bootstrap.error_of_mean(values) == pytest.approx(resampled, rel=0.05)


def test_resampling_biases_fid_upward_which_is_why_percentiles_are_not_used() -> None:
    rng = np.random.default_rng(1)
    target, features = fid.fit(rng.normal(size=(400, 16))), rng.normal(size=(400, 16))
    value = fid.frechet_distance(target, fid.fit(features))
    resampled = [fid.frechet_distance(target, fid.fit(features[rng.integers(0, 400, 400)])) for _ in range(50)]
    assert np.quantile(resampled, 0.025) > value


def test_the_error_of_fid_is_its_spread_over_new_samples() -> None:
    rng = np.random.default_rng(2)
    target = fid.fit(rng.normal(size=(2000, 4)))

    def sample() -> np.ndarray:
        return rng.normal(size=(500, 4)) + 0.3

    spread = np.std([fid.frechet_distance(target, fid.fit(sample())) for _ in range(200)])
    one = sample()
    error = bootstrap.standard_error(lambda rows: fid.frechet_distance(target, fid.fit(one[rows])), 500, 200, rng)
    assert error == pytest.approx(spread, rel=0.3)
