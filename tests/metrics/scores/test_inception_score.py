"""Inception Score: known values."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics.scores.inception_score import divergences, inception_score


@pytest.mark.parametrize("splits", [1, 10])
def test_sure_of_all_classes_equally_often_is_their_number(splits: int) -> None:
    found = inception_score(np.tile(np.eye(7), (20, 1)), splits=splits)
    assert found.value == pytest.approx(7.0, rel=1e-12)
    assert found.deviation == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
def test_the_same_for_each_image_is_1(row: list[float]) -> None:
    assert inception_score(np.array([row] * 40)).value == pytest.approx(1.0, rel=1e-12)


def test_two_kinds_of_images() -> None:
    """exp(log 2 - H(0.9, 0.1)) for two classes told apart with a confidence of 0.9."""
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    found = inception_score(np.array([[0.9, 0.1], [0.1, 0.9]] * 10), splits=1)
    assert found.value == pytest.approx(2 * np.exp(-entropy), rel=1e-12)


def test_is_the_mean_over_the_splits() -> None:
    half = np.concatenate([np.tile([[1.0, 0.0]], (10, 1)), np.eye(2)[[0, 1] * 5]])
    found = inception_score(half, splits=2)
    assert found.value == pytest.approx(1.5, rel=1e-12)
    assert found.deviation == pytest.approx(0.5, rel=1e-12)


def test_fewer_images_than_splits() -> None:
    assert inception_score(np.eye(3)).value == pytest.approx(1.0)  # a split of one image


def test_divergences_make_the_score() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), 100).astype(np.float32)
    score = inception_score(probabilities, splits=1).value
    assert np.exp(divergences(probabilities).mean()) == pytest.approx(score, rel=1e-12)
    assert (divergences(probabilities) >= 0).all()
