"""The generated images that are scored: seeded, quantised, and labelled as real ones are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan.config import Evaluate
from gan.metrics.samples import draw_inputs, draw_pixels


def test_inputs_are_a_function_of_the_seed(protocol: Evaluate) -> None:
    first, second = (np.concatenate([z for z, _ in draw_inputs(protocol, 7, None)]) for _ in range(2))
    other = np.concatenate([z for z, _ in draw_inputs(dataclasses.replace(protocol, seed=1), 7, None)])
    np.testing.assert_array_equal(first, second)
    assert first.shape == (60, 7)
    assert not np.allclose(first, other)


def test_fewer_samples_are_the_first_of_more(protocol: Evaluate) -> None:
    many = np.concatenate([z for z, _ in draw_inputs(protocol, 3, None)])
    few = np.concatenate([z for z, _ in draw_inputs(dataclasses.replace(protocol, samples=21), 3, None)])
    np.testing.assert_array_equal(few, many[:21])


def test_selection_and_final_scores_share_no_latent(protocol: Evaluate) -> None:
    final, selection = (
        np.concatenate([z for z, _ in draw_inputs(protocol, 3, None, purpose)]) for purpose in ("final", "selection")
    )
    assert (len(final), len(selection)) == (60, 40)
    assert not set(final[:, 0]) & set(selection[:, 0])


def test_latents_are_standard_normal() -> None:
    latents = np.concatenate([z for z, _ in draw_inputs(Evaluate(samples=4000, batch_size=1000), 50, None)])
    assert latents.mean() == pytest.approx(0, abs=0.01)
    assert latents.std() == pytest.approx(1, abs=0.01)
    assert len(np.unique(latents)) > 0.99 * latents.size


def test_labels_follow_the_real_distribution() -> None:
    shares = (0.1, 0.0, 0.6, 0.3)
    labels = np.concatenate([y for _, y in draw_inputs(Evaluate(samples=8000, batch_size=2000), 2, shares)])
    assert labels.dtype == np.int32
    np.testing.assert_allclose(np.bincount(labels, minlength=4) / 8000, shares, atol=0.02)


def test_pixels_are_quantised_and_batches_whole(protocol: Evaluate) -> None:
    sizes = []

    def draw(latents: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        sizes.append((len(latents), None if labels is None else len(labels)))
        return np.tanh(np.asarray(latents))[:, :1, None, None] * np.ones((1, 8, 8, 1))

    for shares, expected in ((None, (16, None)), ((0.5, 0.5), (16, 16))):
        sizes.clear()
        drawn = list(draw_pixels(draw, protocol, 4, shares))
        assert [len(pixels) for pixels, _ in drawn] == [16, 16, 16, 12]
        assert [None if labels is None else len(labels) for _, labels in drawn] == [
            None if shares is None else count for count in (16, 16, 16, 12)
        ]
        assert {pixels.dtype for pixels, _ in drawn} == {np.dtype(np.uint8)}
        assert set(sizes) == {expected}
