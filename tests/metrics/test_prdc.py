"""Precision, recall, density and coverage beside an implementation that reads like the papers' definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.metrics import prdc


def radius(points: np.ndarray, index: int, neighbours: int) -> float:
    distances = [np.linalg.norm(points[index] - other) for j, other in enumerate(points) if j != index]
    return sorted(distances)[neighbours - 1]


def naive(real: np.ndarray, generated: np.ndarray, neighbours: int) -> prdc.Prdc:
    """Every definition as a loop over points."""
    real_radii = [radius(real, i, neighbours) for i in range(len(real))]
    generated_radii = [radius(generated, j, neighbours) for j in range(len(generated))]

    def within(point: np.ndarray, centres: np.ndarray, radii: list[float]) -> list[bool]:
        return [bool(np.linalg.norm(point - c) <= r + 1e-9) for c, r in zip(centres, radii, strict=True)]

    return prdc.Prdc(
        np.array([any(within(point, real, real_radii)) for point in generated]),
        np.array([any(within(point, generated, generated_radii)) for point in real]),
        np.array([sum(within(point, real, real_radii)) / neighbours for point in generated]),
        np.array(
            [any(np.linalg.norm(c - g) <= r + 1e-9 for g in generated) for c, r in zip(real, real_radii, strict=True)]
        ),
    )


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize("counts", [(12, 12), (20, 9), (7, 30)])
def test_equals_the_naive_implementation(counts: tuple[int, int], neighbours: int) -> None:
    rng = np.random.default_rng(neighbours)
    real, generated = rng.normal(size=(counts[0], 3)), 1.3 * rng.normal(size=(counts[1], 3)) + 0.4
    found, expected = prdc.prdc(real, generated, neighbours=neighbours), naive(real, generated, neighbours)
    for name in prdc.Prdc._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(40, 4)), rng.normal(size=(33, 4))
    whole = prdc.prdc(real, generated, neighbours=3)
    monkeypatch.setattr(prdc, "TILE_ROWS", 7)
    for before, after in zip(whole, prdc.prdc(real, generated, neighbours=3), strict=True):
        np.testing.assert_array_equal(before, after)


def test_known_values_on_a_line() -> None:
    """Real points 0, 1, 3 with k = 1 have balls [-1, 1], [0, 2], [1, 5]; the generated ones are 0.5 and 10."""
    found = prdc.prdc(np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [10.0]]), neighbours=1)
    assert found.precision.tolist() == [True, False]
    assert found.density.tolist() == [2.0, 0.0]
    assert found.coverage.tolist() == [True, True, False]
    assert found.recall.tolist() == [True, True, True]  # the ball around 0.5 reaches 9.5 far


def test_density_of_one_distribution_is_one() -> None:
    """Naeem et al. 2020, section 3.2: its expectation is 1 for equal distributions."""
    rng = np.random.default_rng(0)
    found = prdc.prdc(rng.normal(size=(2000, 4)), rng.normal(size=(2000, 4)), neighbours=5)
    assert found.density.mean() == pytest.approx(1.0, abs=0.05)


def test_coverage_of_one_distribution() -> None:
    """Naeem et al. 2020, equation 9: 1 - prod_{j<k} (N - j) / (M + N - 1 - j), about 1 - 2^-k for M = N."""
    rng = np.random.default_rng(1)
    count, neighbours = 2000, 5
    expected = 1 - np.prod([(count - j) / (2 * count - 1 - j) for j in range(neighbours)])
    found = prdc.prdc(rng.normal(size=(count, 3)), rng.normal(size=(count, 3)), neighbours=neighbours)
    assert found.coverage.mean() == pytest.approx(expected, abs=0.015)


def test_an_outlier_does_not_raise_density_much() -> None:
    """The weakness of precision that density mends: the large ball of a real outlier (Naeem et al. 2020, figure 1)."""
    rng = np.random.default_rng(2)
    real = np.concatenate([rng.normal(size=(100, 2)), [[50.0, 50.0]]])
    generated = rng.normal(size=(100, 2)) + 20
    found = prdc.prdc(real, generated, neighbours=5)
    assert found.precision.mean() == 1.0
    assert found.density.mean() == pytest.approx(0.2)


@settings(max_examples=40)
@given(data=st.data(), neighbours=st.integers(1, 4))
def test_ties_and_repeats_equal_the_naive_implementation(data: st.DataObject, neighbours: int) -> None:
    """Points of a coarse lattice: equal distances everywhere, and repeated points."""
    points = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=5, max_size=12)
    real, generated = (np.array(data.draw(points), np.float64) for _ in range(2))
    found, expected = prdc.prdc(real, generated, neighbours=neighbours), naive(real, generated, neighbours)
    for name in prdc.Prdc._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
