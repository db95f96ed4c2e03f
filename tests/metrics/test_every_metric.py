"""What every metric must do: one suite over METRICS."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.config import Evaluate
from gan.metrics.feature_batch import Comparison, FeatureBatch
from gan.metrics.maths.contributions import Contributions
from gan.metrics.maths.estimate import Estimate
from gan.metrics.registry import KINDS, METRICS, Metric
from gan.metrics.score_kind import HIGHER, LOWER
from gan.metrics.scores.memorisation import distance_ratios

PROTOCOL = Evaluate(kid_subsets=20, kid_subset_size=50)
PERFECT = {
    "fid": 0.0,
    "precision": 1.0,
    "recall": 1.0,
    "coverage": 1.0,
    "modes_found": 4.0,
    "mode_kl": 0.0,
    "modes_captured": 4.0,
    "class_fid": 0.0,
    "mind": 0.0,
    "cmmd": 0.0,
}
ROUGH = {"kid", "fid_infinity", "mind", "inception_score"}  # by random subsets or directions, or in splits


def batch(seed: int, count: int = 320, *, shift: float = 0.0, mode: int | None = None) -> FeatureBatch:
    """Four clusters in 6 dimensions, each a mode and a class, or only `mode`."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 4, count) if mode is None else np.full(count, mode)
    features = np.eye(6)[drawn] * 4 + rng.normal(size=(count, 6)) + shift
    probabilities = np.full((count, 4), 0.01, np.float32)
    probabilities[np.arange(count), drawn] = 0.97
    return FeatureBatch(features.astype(np.float32), probabilities, drawn.astype(np.int32), probabilities)


def compared(real: FeatureBatch, generated: FeatureBatch, protocol: Evaluate = PROTOCOL) -> Comparison:
    training = batch(99, 400).features
    return Comparison(real, generated, training, distance_ratios(real.features, training), protocol)


def estimates(
    metric: Metric, real: FeatureBatch, generated: FeatureBatch, protocol: Evaluate = PROTOCOL
) -> dict[str, Estimate]:
    """The scores with their intervals."""
    scores = metric.measure(compared(real, generated, protocol))
    return {name: each.estimate(protocol.confidence) for name, each in scores.items()}


every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def test_no_two_metrics_have_a_score_of_the_same_name() -> None:
    assert len(KINDS) == sum(len(metric.kinds) for metric in METRICS.values())


@every_metric
def test_every_score_has_a_one_sentence_meaning(metric: Metric) -> None:
    for kind in metric.kinds:
        assert kind.meaning.endswith("."), kind.name


@every_metric
def test_scores_are_those_of_the_registry(metric: Metric) -> None:
    assert list(estimates(metric, batch(0), batch(1))) == [kind.name for kind in metric.kinds]


@every_metric
def test_scores_lie_in_their_range_with_their_intervals(metric: Metric) -> None:
    for generated in (batch(1), batch(2, shift=0.5), batch(3, shift=50.0), batch(0), batch(4, mode=1)):
        for name, estimate in estimates(metric, batch(0), generated).items():
            low, high = estimate.low, estimate.high
            assert KINDS[name].low <= estimate.value <= KINDS[name].high, name
            if low is not None and high is not None:
                assert KINDS[name].low <= low <= estimate.value <= high <= KINDS[name].high, name


@every_metric
def test_what_is_better_scores_better(metric: Metric) -> None:
    """Images of the real distribution against ones that are far off, all in one mode."""
    real, healthy, broken = batch(0, 400), batch(1, 400), batch(2, 400, shift=3.0, mode=0)
    broken = dataclasses.replace(broken, class_probabilities=np.full((400, 4), 0.25, np.float32))
    good, bad = estimates(metric, real, healthy), estimates(metric, real, broken)
    for name in good.keys() - {"memorised", "near_copies", "high_confidence"}:  # these say nothing of being far off
        assert KINDS[name].to_minimise(good[name].value) < KINDS[name].to_minimise(bad[name].value), name


@every_metric
def test_scores_that_can_be_compared_have_contributions_of_the_right_size(metric: Metric) -> None:
    real, generated = batch(0, 300), batch(1, 340)
    for name, score in metric.measure(compared(real, generated)).items():
        assert (score.contributions is not None) == KINDS[name].paired, name
        if score.contributions is not None:
            found = score.contributions()
            assert isinstance(found, Contributions)
            assert found.generated.shape[1] in (0, 300, 340), name
            assert found.real.shape[1] in (0, 300), name


@every_metric
def test_identical_sets_are_perfect(metric: Metric) -> None:
    real = batch(0)
    for name, estimate in estimates(metric, real, real).items():
        if name in PERFECT:
            assert estimate.value == pytest.approx(PERFECT[name], abs=1e-6), name


@every_metric
@pytest.mark.parametrize(
    "collapsed",
    [
        pytest.param(
            lambda: dataclasses.replace(batch(3, 50, mode=0), features=np.zeros((50, 6), np.float32)), id="one"
        ),
        pytest.param(lambda: batch(3, mode=2), id="one mode"),
        pytest.param(lambda: batch_of_rows(batch(4), [0, 1] * 60), id="two points"),
    ],
)
def test_a_collapsed_generator_has_finite_scores(metric: Metric, collapsed: Callable[[], FeatureBatch]) -> None:
    for name, estimate in estimates(metric, batch(0), collapsed()).items():
        assert all(math.isfinite(each) for each in (estimate.value, estimate.low, estimate.high) if each is not None), (
            name
        )


def batch_of_rows(whole: FeatureBatch, rows: list[int]) -> FeatureBatch:
    return FeatureBatch(
        whole.features[rows],
        whole.mode_probabilities[rows],
        None if whole.labels is None else whole.labels[rows],
        None if whole.class_probabilities is None else whole.class_probabilities[rows],
    )


def test_a_collapsed_generator_is_found_out() -> None:
    real, healthy, collapsed = batch(0, 400), batch(1, 400), batch(2, 400, mode=0)
    of_healthy: dict[str, Estimate] = {}
    of_collapsed: dict[str, Estimate] = {}
    for metric in METRICS.values():
        of_healthy |= estimates(metric, real, healthy)
        of_collapsed |= estimates(metric, real, collapsed)
    for name in ("fid", "kid", "mode_kl", "reverse_kl"):
        assert of_collapsed[name].low > of_healthy[name].high, name
    for name in ("recall", "coverage", "modes_found", "modes_captured"):
        assert of_collapsed[name].high < of_healthy[name].low, name


@every_metric
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_images_does_not_matter(metric: Metric, seed: int) -> None:
    """Another order gives other random subsets, so scores that draw subsets agree only roughly."""
    real, generated = batch(0), batch(1, shift=0.3)
    mixed = batch_of_rows(generated, list(np.random.default_rng(seed).permutation(len(generated))))
    again = estimates(metric, real, mixed)
    for name, estimate in estimates(metric, real, generated).items():
        tolerance = 0.5 * abs(estimate.value) + 0.5 if name in ROUGH else 1e-6 * max(1.0, abs(estimate.value))
        assert again[name].value == pytest.approx(estimate.value, abs=tolerance), name


@every_metric
def test_the_same_input_gives_the_same_numbers(metric: Metric) -> None:
    assert estimates(metric, batch(0), batch(1)) == estimates(metric, batch(0), batch(1))


@every_metric
def test_a_higher_confidence_gives_a_wider_interval(metric: Metric) -> None:
    wide = estimates(metric, batch(0), batch(1, shift=0.3), dataclasses.replace(PROTOCOL, confidence=0.99))
    for name, estimate in estimates(metric, batch(0), batch(1, shift=0.3)).items():
        if estimate.low is not None:
            assert wide[name].high - wide[name].low >= estimate.high - estimate.low, name


def test_prdc_compares_equally_many() -> None:
    """Ten times the samples would cover everything otherwise."""
    real, generated = batch(0, 100), batch(1, 1000, shift=0.5)
    found = estimates(METRICS["prdc"], real, generated)
    assert found == estimates(METRICS["prdc"], real, generated.first(100))


def test_mode_kl_has_its_floor() -> None:
    found = METRICS["modes"].measure(compared(batch(0, 100), batch(1, 300)))["mode_kl"]
    assert found.floor == pytest.approx(3 / 2 * (1 / 300 + 1 / 100))


def test_high_confidence_obeys_the_protocol() -> None:
    for above, expected in ((0.9, 1.0), (0.98, 0.0)):
        protocol = dataclasses.replace(PROTOCOL, confidence_threshold=above)
        scores = METRICS["modes"].measure(compared(batch(0), batch(1), protocol))
        assert scores["high_confidence"].value == expected


def test_high_confidence_is_left_out_where_modes_tell_none() -> None:
    comparison = dataclasses.replace(compared(batch(0), batch(1)), has_confidence=False)
    assert list(METRICS["modes"].measure(comparison)) == ["modes_found", "mode_kl"]


def test_memorised_images_are_found_and_held_out_ones_are_the_floor() -> None:
    comparison = compared(batch(0), batch(1))
    fresh = METRICS["memorisation"].measure(comparison)["memorised"]
    assert fresh.value == pytest.approx(fresh.floor, abs=0.2)
    copied = dataclasses.replace(batch(1), features=comparison.training[:320] + np.float32(1e-3))
    found = METRICS["memorisation"].measure(dataclasses.replace(comparison, generated=copied))
    assert {name: score.value for name, score in found.items()} == {"memorised": 1.0, "near_copies": 1.0}


def test_every_kind_says_which_way_is_better() -> None:
    assert {kind.better for kind in KINDS.values()} == {LOWER, HIGHER}
