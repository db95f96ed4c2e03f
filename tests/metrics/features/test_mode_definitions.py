"""Classes, attribute combinations and clusters as modes."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics.features.mode_definitions import (
    MIN_VARIANCE,
    AttributeModes,
    ChannelModes,
    ClassModes,
    ClusterModes,
    balanced_accuracies,
    choose_attributes,
    fit_clusters,
    histogram,
)
from gan.metrics.scores import modes

NOTHING = np.zeros((0, 0), np.float32)


def test_classes_are_the_outputs() -> None:
    outputs = np.array([[0.25, 0.75]], np.float32)
    made = ClassModes(("a", "b"))
    assert made.probabilities(NOTHING, outputs) is outputs
    assert (made.kind, made.names) == ("classes", ("a", "b"))


def test_combinations_of_channels() -> None:
    """P(a, then b) = 0.9 * 0.6, in the order of the names."""
    made = ChannelModes(("a", "b"), 2)
    outputs = np.array([[0.9, 0.1, 0.4, 0.6]], np.float32)
    assert (made.kind, made.names) == ("channels", ("aa", "ab", "ba", "bb"))
    found = made.probabilities(NOTHING, outputs)
    np.testing.assert_allclose(found, [[0.9 * 0.4, 0.9 * 0.6, 0.1 * 0.4, 0.1 * 0.6]], rtol=1e-6)
    np.testing.assert_allclose(made.of_channels(found), outputs, rtol=1e-6)


def test_the_mode_of_three_digits_is_their_number() -> None:
    made = ChannelModes(tuple("0123456789"), 3)
    outputs = np.random.default_rng(0).dirichlet(np.ones(10), (50, 3)).astype(np.float32)
    found = made.probabilities(NOTHING, outputs.reshape(50, 30))
    assert found.shape == (50, len(made.names)) == (50, 1000)
    np.testing.assert_array_equal(found.argmax(axis=1), outputs.argmax(axis=2) @ [100, 10, 1])
    np.testing.assert_allclose(made.of_channels(found), outputs.reshape(50, 30), atol=1e-6)


def test_attribute_combinations() -> None:
    """P(+A -C) = 0.9 * 0.6; B is not chosen."""
    made = AttributeModes(("A", "B", "C"), (0, 2))
    found = made.probabilities(NOTHING, np.array([[0.9, 0.5, 0.4]], np.float32))
    assert made.names == ("-A -C", "-A +C", "+A -C", "+A +C")
    np.testing.assert_allclose(found, [[0.1 * 0.6, 0.1 * 0.4, 0.9 * 0.6, 0.9 * 0.4]], rtol=1e-6)


def test_attribute_probabilities_sum_to_one() -> None:
    outputs = np.random.default_rng(0).random((20, 5)).astype(np.float32)
    made = AttributeModes(tuple("ABCDE"), (4, 1, 3))
    found = made.probabilities(NOTHING, outputs)
    assert found.shape == (20, len(made.names)) == (20, 8)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)


def test_clusters_are_found_and_probable() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [20, 0], [0, 20]])
    truth = rng.integers(0, 3, 60)
    made = fit_clusters((centres[truth] + rng.normal(size=(60, 2))).astype(np.float32), seed=0)
    assert len(made.names) == 6  # 60 images, 10 a cluster
    by_cluster = made.probabilities(np.asarray(centres, np.float32), NOTHING)
    np.testing.assert_allclose(by_cluster.sum(axis=1), 1.0, rtol=1e-5)
    assert len(set(by_cluster.argmax(axis=1))) == 3


def test_the_probability_of_a_cluster_is_that_of_a_gaussian_mixture() -> None:
    made = ClusterModes(np.array([[0.0], [2.0]]), np.array([0.5]))
    points = np.array([[0.5], [1.0]])
    likelihoods = np.exp(-((points - made.centres.T) ** 2) / (2 * 0.5))
    np.testing.assert_allclose(
        made.probabilities(points, NOTHING), likelihoods / likelihoods.sum(axis=1, keepdims=True), rtol=1e-5
    )


def test_clusters_far_away_do_not_overflow() -> None:
    made = ClusterModes(np.array([[0.0], [2.0]]), np.array([MIN_VARIANCE]))
    assert np.isfinite(made.probabilities(np.array([[1e6]]), NOTHING)).all()


def test_equal_images_make_one_cluster() -> None:
    made = fit_clusters(np.ones((30, 4), np.float32), seed=0)
    assert histogram(made.probabilities(np.ones((5, 4), np.float32), NOTHING)).tolist() == [5]


def test_balanced_accuracy_is_not_fooled_by_a_rare_attribute() -> None:
    truth = np.where(np.arange(100)[:, None] < 5, 1, -1).astype(np.int8)
    always_no = np.zeros((100, 1), np.float32)
    assert balanced_accuracies(always_no, truth).tolist() == [0.5]
    assert balanced_accuracies((truth > 0).astype(np.float32), truth).tolist() == [1.0]


def test_an_attribute_with_one_side_only_is_a_guess() -> None:
    assert balanced_accuracies(np.ones((4, 1), np.float32), np.ones((4, 1), np.int8)).tolist() == [0.5]


def test_choice_prefers_accuracy_and_leaves_no_combination_rare() -> None:
    rng = np.random.default_rng(0)
    first, second, rare = rng.random(400) < 0.5, rng.random(400) < 0.4, rng.random(400) < 0.02
    outputs = np.stack([rare, first, first, second], axis=1).astype(np.float32)
    made = choose_attributes(["rare", "first", "copy", "second"], outputs, np.array([0.99, 0.95, 0.94, 0.8]), 3)
    assert made.chosen == (1, 3)


def test_choice_takes_no_more_than_wanted() -> None:
    outputs = (np.random.default_rng(0).random((500, 4)) < 0.5).astype(np.float32)
    assert choose_attributes("ABCD", outputs, np.array([0.6, 0.9, 0.7, 0.8]), 2).chosen == (1, 3)


def test_choice_of_the_most_even_where_all_are_rare() -> None:
    rng = np.random.default_rng(0)
    outputs = np.stack([rng.random(300) < 0.01, rng.random(300) < 0.1], axis=1).astype(np.float32)
    assert choose_attributes("AB", outputs, np.array([0.9, 0.6]), 3).chosen == (1,)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_chosen_combinations_occur(count: int) -> None:
    outputs = (np.random.default_rng(1).random((500, 6)) < 0.5).astype(np.float32)
    made = choose_attributes("ABCDEF", outputs, np.full(6, 0.9), count)
    drawn = histogram(made.probabilities(NOTHING, outputs))
    assert modes.modes_found(drawn, drawn) == 2**count
