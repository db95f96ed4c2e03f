"""Captured modes and reverse KL: by hand, as PacGAN's code computes them, and the floor of stacked MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.data.sources import SOURCES
from gan.metrics.scores import captured_modes, modes

SAMPLES = 26_000
MNIST_SHARES = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]) / 60_000


def pacgan(counts: npt.NDArray[np.int64]) -> tuple[int, float]:
    """Modes and KL, written as in PacGAN's code: the modes that occur, sum of p log(p / q) with q = 1 / K."""
    p = counts / counts.sum()
    q = 1.0 / len(counts)
    return len(p[p > 0]), sum(float(each * np.log(each / q)) for each in p if each != 0)


@pytest.mark.parametrize(
    ("counts", "captured", "divergence"),
    [
        ([25, 25, 25, 25], 4, 0.0),
        ([100, 0, 0, 0], 1, np.log(4)),
        ([50, 50, 0, 0], 2, np.log(2)),
        ([3, 1], 2, 0.75 * np.log(1.5) + 0.25 * np.log(0.5)),
        ([9999, 1], 2, np.log(2) + 0.9999 * np.log(0.9999) + 0.0001 * np.log(0.0001)),
    ],
)
def test_by_hand(counts: list[int], captured: int, divergence: float) -> None:
    assert captured_modes.modes_captured(np.array(counts)) == captured
    assert captured_modes.reverse_kl(np.array(counts)) == pytest.approx(divergence, abs=1e-12)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=60).filter(any))
def test_any_histogram_scores_as_in_the_code_of_pacgan(counts: list[int]) -> None:
    captured, divergence = pacgan(np.array(counts))
    assert captured_modes.modes_captured(np.array(counts)) == captured
    assert captured_modes.reverse_kl(np.array(counts)) == pytest.approx(divergence, abs=1e-9)


def test_a_perfect_sampler_of_a_thousand_equal_modes_scores_the_floor() -> None:
    drawn = np.random.default_rng(0).multinomial(SAMPLES, np.full(1000, 1e-3), size=100)
    assert np.mean([captured_modes.reverse_kl(each) for each in drawn]) == pytest.approx(0.0193, abs=2e-4)
    assert {captured_modes.modes_captured(each) for each in drawn} == {1000}
    assert captured_modes.reverse_kl_floor(np.full(1000, 10**6), SAMPLES) == pytest.approx(999 / 52_000, abs=1e-6)


def test_the_digits_of_mnist_are_unequal_and_the_floor_says_so() -> None:
    """KL(data || uniform) of three independent digits is three times that of one: 0.0043."""
    rng = np.random.default_rng(0)
    shares = np.einsum("a,b,c->abc", *[MNIST_SHARES] * 3).ravel()
    of_data = 3 * np.sum(MNIST_SHARES * np.log(10 * MNIST_SHARES))
    assert of_data == pytest.approx(0.0043, abs=1e-4)
    scored = [captured_modes.reverse_kl(rng.multinomial(SAMPLES, shares)) for _ in range(100)]
    assert np.mean(scored) == pytest.approx(of_data + 0.0193, abs=3e-4)
    floors = [captured_modes.reverse_kl_floor(rng.multinomial(SAMPLES, shares), SAMPLES) for _ in range(100)]
    assert np.mean(floors) == pytest.approx(np.mean(scored), abs=3e-4)


def test_real_stacked_digits_score_the_floor(real_data: Path) -> None:
    """The labels of the 26,000 test images: 1,000 modes; 0.0193 if each digit is as likely, give or take 0.0009."""
    for draw, expected in (("digits", 0.0193), ("images", 0.0193 + 0.0052)):
        source = SOURCES["stacked-mnist"].with_options({"train_images": 1, "draw": draw})
        labels = [each.label for each in source.scan(str(real_data / "mnist"), 20).examples if each.split == "test"]
        counts = np.bincount(labels, minlength=1000)
        assert captured_modes.modes_captured(counts) == 1000
        assert captured_modes.reverse_kl(counts) == pytest.approx(expected, abs=4 * np.sqrt(999 / 2) / SAMPLES)


@pytest.mark.parametrize("kept", [1000, 600, 20])
def test_the_errors_are_the_spread_over_new_samples(kept: int) -> None:
    """A generator of `kept` equal modes, and of a hundred that appear in one of two samples."""
    shares = np.r_[np.full(kept, 1.0), np.full(100, kept / SAMPLES * np.log(2))]
    drawn = np.random.default_rng(0).multinomial(SAMPLES, shares / shares.sum(), size=300)
    for value, error in (
        (captured_modes.reverse_kl, captured_modes.reverse_kl_error),
        (captured_modes.modes_captured, captured_modes.modes_captured_error),
    ):
        spread = np.std([value(each) for each in drawn])
        assert 0.6 < np.mean([error(each) for each in drawn]) / spread < 1.4, value.__name__


def test_one_image_captures_a_mode_that_modes_found_does_not_count() -> None:
    generated, real = np.array([9999, 1]), np.array([50, 50])
    assert captured_modes.modes_captured(generated) == 2
    assert modes.modes_found(generated, real) == 1
