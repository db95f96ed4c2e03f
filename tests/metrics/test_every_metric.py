"""What every metric must hold: one suite over METRICS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.config import Evaluate
from gan.metrics.bootstrap import Estimate
from gan.metrics.presets import METRICS, Looks, Metric

PROTOCOL = Evaluate(kid_subsets=20, kid_subset_size=50, bootstrap=10)
PERFECT = {
    "fid": 0.0,
    "precision": 1.0,
    "recall": 1.0,
    "coverage": 1.0,
    "modes_found": 4.0,
    "mode_kl": 0.0,
}
NAMES = {
    "fid": {"fid"},
    "kid": {"kid"},
    "prdc": {"precision", "recall", "density", "coverage"},
    "modes": {"modes_found", "mode_kl", "high_confidence"},
}


def looks(seed: int, count: int = 120, *, shift: float = 0.0, mode: int | None = None) -> Looks:
    """Four clusters in 6 dimensions, one a mode, or all of `mode`."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 4, count) if mode is None else np.full(count, mode)
    features = np.eye(6)[drawn] * 4 + rng.normal(size=(count, 6)) + shift
    probabilities = np.full((count, 4), 0.01)
    probabilities[np.arange(count), drawn] = 0.97
    return Looks(features.astype(np.float32), probabilities.astype(np.float32))


def estimates(metric: Metric, real: Looks, generated: Looks, protocol: Evaluate = PROTOCOL) -> dict[str, Estimate]:
    """The scores with their intervals."""
    return {name: each.estimate(protocol.confidence) for name, each in metric(real, generated, protocol).items()}


every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def test_scores_have_the_names_that_records_use() -> None:
    found = {name: set(metric(looks(0), looks(1), PROTOCOL)) for name, metric in METRICS.items()}
    assert found == NAMES


@every_metric
def test_identical_sets_are_perfect(metric: Callable) -> None:
    real = looks(0)
    for name, estimate in estimates(metric, real, real).items():
        if name in PERFECT:
            assert estimate.value == pytest.approx(PERFECT[name], abs=1e-6), name
        if name == "kid":
            assert estimate.value == pytest.approx(0.0, abs=3 * (estimate.high - estimate.value) + 1e-3)


@every_metric
def test_disjoint_sets_are_worst(metric: Callable) -> None:
    real, far = looks(0), looks(1, shift=1000.0)
    scores = estimates(metric, real, far)
    for name in ("precision", "recall", "density", "coverage"):
        if name in scores:
            assert scores[name].value == 0.0
    if "fid" in scores:
        assert scores["fid"].value == pytest.approx(6 * 1000.0**2, rel=0.01)
    if "kid" in scores:
        assert scores["kid"].value > 1e6


@every_metric
@pytest.mark.parametrize(
    "collapsed",
    [
        pytest.param(
            lambda: Looks(np.zeros((50, 6), np.float32), np.eye(4, dtype=np.float32)[[0] * 50]), id="one point"
        ),
        pytest.param(lambda: looks(3, mode=2), id="one mode"),
        pytest.param(
            lambda: Looks(looks(4).features[[0, 1] * 30], looks(4).mode_probabilities[[0, 1] * 30]), id="two points"
        ),
    ],
)
def test_a_collapsed_generator_has_finite_scores(metric: Callable, collapsed: Callable[[], Looks]) -> None:
    for name, estimate in estimates(metric, looks(0), collapsed()).items():
        assert np.isfinite([estimate.value, estimate.low, estimate.high]).all(), name
        assert estimate.low <= estimate.value <= estimate.high, name


def test_a_collapsed_generator_is_found_out() -> None:
    real, healthy, collapsed = looks(0, 400), looks(1, 400), looks(2, 400, mode=0)
    of_healthy: dict[str, Estimate] = {}
    of_collapsed: dict[str, Estimate] = {}
    for metric in METRICS.values():
        of_healthy |= estimates(metric, real, healthy)
        of_collapsed |= estimates(metric, real, collapsed)
    for name in ("fid", "kid", "mode_kl"):
        assert of_collapsed[name].low > of_healthy[name].high, name
    for name in ("recall", "coverage", "modes_found"):
        assert of_collapsed[name].high < of_healthy[name].low, name


@every_metric
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_images_does_not_matter(metric: Callable, seed: int) -> None:
    """Subsets and bootstrap rounds draw others from another order, so KID and the intervals agree only roughly."""
    real, generated = looks(0), looks(1, shift=0.3)
    order = np.random.default_rng(seed).permutation(len(generated))
    mixed = Looks(generated.features[order], generated.mode_probabilities[order])
    again = estimates(metric, real, mixed)
    for name, estimate in estimates(metric, real, generated).items():
        tolerance = estimate.high - estimate.value if name == "kid" else 1e-6
        assert again[name].value == pytest.approx(estimate.value, abs=tolerance), name


@every_metric
def test_the_same_input_gives_the_same_numbers(metric: Callable) -> None:
    assert estimates(metric, looks(0), looks(1)) == estimates(metric, looks(0), looks(1))


@every_metric
def test_a_higher_confidence_gives_a_wider_interval(metric: Callable) -> None:
    wide = estimates(metric, looks(0), looks(1, shift=0.3), dataclasses.replace(PROTOCOL, confidence=0.99))
    for name, estimate in estimates(metric, looks(0), looks(1, shift=0.3)).items():
        assert wide[name].high - wide[name].low >= estimate.high - estimate.low, name


def test_prdc_compares_equally_many() -> None:
    """Ten times the samples would cover everything otherwise."""
    real, generated = looks(0, 100), looks(1, 1000, shift=0.5)
    found = estimates(METRICS["prdc"], real, generated)
    assert found == estimates(METRICS["prdc"], real, generated.first(100))


def test_mode_kl_has_its_floor() -> None:
    found = METRICS["modes"](looks(0, 100), looks(1, 300), PROTOCOL)["mode_kl"]
    assert found.floor == pytest.approx(3 / 2 * (1 / 300 + 1 / 100))


def test_high_confidence_obeys_the_protocol() -> None:
    for above, expected in ((0.9, 1.0), (0.98, 0.0)):
        protocol = dataclasses.replace(PROTOCOL, sure_above=above)
        assert METRICS["modes"](looks(0), looks(1), protocol)["high_confidence"].value == expected
