"""The quality of trained networks: known confusion matrices, and scikit-learn as the second implementation."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from gan.metrics.features.trained import quality


def from_confusion(matrix: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(predicted, true) for counts of [true class][predicted class]."""
    counts = np.array(matrix)
    true, predicted = (np.repeat(each.ravel(), counts.ravel()) for each in np.indices(counts.shape))
    return predicted, true


@pytest.mark.parametrize(
    ("matrix", "accuracy", "chance"),
    [
        ([[10, 0], [0, 90]], 1.0, 0.5),
        ([[0, 10], [0, 90]], 0.5, 0.5),  # always the more frequent class, right in 90 of 100
        ([[5, 5], [9, 81]], 0.7, 0.5),
        ([[8, 2, 0], [1, 3, 0], [0, 6, 4]], (0.8 + 0.75 + 0.4) / 3, 1 / 3),
        ([[8, 2, 0], [0, 0, 0], [0, 5, 5]], (0.8 + 0.5) / 2, 1 / 2),  # the second class does not occur
        ([[4, 4], [0, 0]], 0.5, 1.0),
    ],
)
def test_classes_with_a_known_confusion_matrix(matrix: list[list[int]], accuracy: float, chance: float) -> None:
    result = quality.of_classes(*from_confusion(matrix), len(matrix))
    assert (result["accuracy"], result["chance"]) == pytest.approx((accuracy, chance))
    assert result["judged_on"] == sum(sum(row) > 0 for row in matrix)


@given(st.integers(2, 6), st.integers(1, 50), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_classes_as_scikit_learn_has_it(classes: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, count)
    predicted = np.where(rng.random(count) < 0.6, true, rng.choice(true, count))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not like a single class
        wanted = balanced_accuracy_score(true, predicted)
    assert quality.of_classes(predicted, true, classes)["accuracy"] == pytest.approx(wanted)


@given(st.integers(2, 6), st.integers(2, 50), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_one_guess_for_all_scores_chance(classes: int, count: int, seed: int) -> None:
    true = np.random.default_rng(seed).integers(0, classes, count)
    result = quality.of_classes(np.full(count, np.bincount(true).argmax()), true, classes)
    assert result["accuracy"] == pytest.approx(result["chance"])


def test_attributes_with_one_side_alone_are_left_out() -> None:
    attributes = np.array([[1, 1, 1, -1], [1, 1, 1, -1], [-1, 1, 1, -1], [-1, -1, 1, -1]], np.int8)
    predicted = np.array([[0.9, 0.9, 0.9, 0.9], [0.1, 0.9, 0.1, 0.1], [0.2, 0.9, 0.1, 0.1], [0.3, 0.9, 0.1, 0.1]])
    result = quality.of_attributes(predicted, attributes)
    assert result == {"accuracy": pytest.approx(((0.5 + 1) / 2 + (1 + 0) / 2) / 2), "chance": 0.5, "judged_on": 2}


def test_the_majority_guess_on_rare_attributes_is_chance() -> None:
    """As CelebA has them: a fifth of the images show each attribute, and none of them is found."""
    attributes = np.where(np.arange(100)[:, None] % 5 == np.arange(5), 1, -1)
    never = np.zeros((100, 5))
    assert ((never > 0.5) == (attributes > 0)).mean() == 0.8
    result = quality.of_attributes(never, attributes)
    assert result == {"accuracy": 0.5, "chance": 0.5, "judged_on": 5}
    assert quality.weakness({"name": "celeba-cnn", **result}) is not None


def network_record(accuracy: float, chance: float, judged_on: int = 2) -> dict:
    return {"name": "toy-cnn", "accuracy": accuracy, "chance": chance, "judged_on": judged_on}


@pytest.mark.parametrize(("accuracy", "chance"), [(0.75, 0.5), (0.99, 0.1), (0.55, 0.1), (1.0, 0.25)])
def test_half_the_way_from_chance_is_enough(accuracy: float, chance: float) -> None:
    assert quality.weakness(network_record(accuracy, chance)) is None


@pytest.mark.parametrize(
    ("accuracy", "chance", "wanted"), [(0.74, 0.5, 0.75), (0.54, 0.1, 0.55), (0.62, 0.25, 0.62), (0.1, 0.5, 0.75)]
)
def test_a_weak_network_is_told_with_what_is_wanted(accuracy: float, chance: float, wanted: float) -> None:
    sentence = quality.weakness(network_record(accuracy, chance))
    assert sentence is not None
    assert sentence.startswith(
        f"the feature network toy-cnn is weak: its balanced accuracy on held-out images is {accuracy:.2f}, where "
        f"guessing gives {chance:.2f}; it should be at least {wanted:.2f}."
    )
    assert "can't measure diversity within a class" in sentence
    assert "reference.feature_network=imagenet" in sentence


@pytest.mark.parametrize(("accuracy", "chance", "judged_on"), [(0.9, 1.0, 1), (0.5, 0.5, 0)])
def test_what_can_not_be_judged_is_told(accuracy: float, chance: float, judged_on: int) -> None:
    sentence = quality.weakness(network_record(accuracy, chance, judged_on))
    assert sentence is not None
    assert sentence.startswith(
        "the quality of the feature network toy-cnn can't be measured: all held-out images have the same"
    )


def test_a_published_network_is_taken_as_fine() -> None:
    assert quality.weakness({"name": "efficientnet-lite0", "hash": "f" * 64, "kind": "imagenet"}) is None
