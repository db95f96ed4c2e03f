"""Precision, recall, density and coverage compared with an implementation that reads like the papers' definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.errors import DataError
from gan.metrics.maths import distances, neighbours
from gan.metrics.scores import prdc


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
    monkeypatch.setattr(distances, "TILE_ROWS", 7)
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
    """The weakness of precision that density fixes: the large ball of a real outlier (Naeem et al. 2020, figure 1)."""
    rng = np.random.default_rng(2)
    real = np.concatenate([rng.normal(size=(100, 2)), [[50.0, 50.0]]])
    generated = rng.normal(size=(100, 2)) + 20
    found = prdc.prdc(real, generated, neighbours=5)
    assert found.precision.mean() == 1.0
    assert found.density.mean() == pytest.approx(0.2)


def exact(real: np.ndarray, generated: np.ndarray, nearest: int) -> prdc.Prdc:
    """A second implementation for points with integer coordinates, in exact integer arithmetic."""

    def between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        gaps = first.astype(np.int64)[:, None, :] - second.astype(np.int64)[None, :, :]
        return np.sum(gaps**2, axis=2)

    real_radii = np.sort(between(real, real), axis=1)[:, nearest]
    generated_radii = np.sort(between(generated, generated), axis=1)[:, nearest]
    across = between(real, generated)
    in_real, in_generated = across <= real_radii[:, None], across <= generated_radii
    return prdc.Prdc(in_real.any(axis=0), in_generated.any(axis=1), in_real.sum(axis=0) / nearest, in_real.any(axis=1))


def assert_equal(found: prdc.Prdc, expected: prdc.Prdc) -> None:
    for name in prdc.Prdc._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    nearest=st.integers(1, 4),
    offset=st.sampled_from([0, 1000, 2**20, 2**23]),
    stretch=st.sampled_from([1, 2**10, 3 * 2**7]),
    tile=st.sampled_from([3, 5, 1024]),
    most_pairs=st.sampled_from([1, 2**20]),
    kind=st.sampled_from([np.float32, np.float64]),
)
def test_ties_repeats_and_offsets_equal_exact_arithmetic(
    data: st.DataObject, nearest: int, offset: int, stretch: int, tile: int, most_pairs: int, kind: type
) -> None:
    """Points of a coarse lattice, far from 0, some far from all others: ties everywhere, and repeated points."""
    coordinate = st.integers(-2, 2) | st.sampled_from([-2000, 2001])
    points = st.lists(st.tuples(coordinate, coordinate, st.integers(0, 1)), min_size=5, max_size=16)
    real, generated = (np.array(data.draw(points)) * stretch + offset for _ in range(2))
    if data.draw(st.booleans()):
        generated = np.concatenate([generated, real])  # a generator that replays
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE_ROWS", tile)
        patch.setattr(neighbours, "MAX_PAIRS", most_pairs)
        found = prdc.prdc(real.astype(kind), generated.astype(kind), neighbours=nearest)
    assert_equal(found, exact(real.astype(kind), generated.astype(kind), nearest))


@pytest.mark.parametrize("offset", [0, 2**16])
def test_many_features_equal_exact_arithmetic(offset: int) -> None:
    """512 features, where the bound of a float32 product is wide, in several tiles."""
    rng = np.random.default_rng(0)
    real = rng.integers(-3, 4, (150, 512)) * rng.integers(1, 3, (150, 1)) + offset
    generated = np.concatenate([rng.integers(-3, 4, (60, 512)) + offset, real[:40], np.full((30, 512), offset)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE_ROWS", 32)
        found = prdc.prdc(real.astype(np.float32), generated.astype(np.float32), neighbours=3)
    assert_equal(found, exact(real, generated, 3))


@pytest.mark.parametrize("spread", [1, 8])
def test_tight_clusters_far_apart(spread: int) -> None:
    """Distances within a cluster lie below the bound of the float32 product: the collapsed modes of a generator."""
    rng = np.random.default_rng(1)
    centres = rng.integers(-(2**20), 2**20, (4, 16))
    real, generated = (
        centres[rng.integers(0, 4, 200)] + rng.integers(-spread, spread + 1, (200, 16)) for _ in range(2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE_ROWS", 64)
        found = prdc.prdc(real.astype(np.float32), generated.astype(np.float32), neighbours=5)
    assert_equal(found, exact(real, generated, 5))


def test_the_scale_of_features_does_not_show() -> None:
    """From where squares underflow float32 to where they overflow it."""
    rng = np.random.default_rng(2)
    real, generated = (rng.normal(size=(60, 8)).astype(np.float32) for _ in range(2))
    expected = prdc.prdc(real, generated, neighbours=3)
    for scale in (np.float32(2.0**-90), np.float32(2.0**100)):
        assert_equal(prdc.prdc(real * scale, generated * scale, neighbours=3), expected)


def test_one_point_far_away_does_not_blur_the_others() -> None:
    rng = np.random.default_rng(3)
    real, generated = (rng.normal(size=(100, 8)) for _ in range(2))
    expected = prdc.prdc(real, generated, neighbours=3)
    found = prdc.prdc(np.concatenate([real, np.full((1, 8), 1e12)]), generated, neighbours=3)
    np.testing.assert_array_equal(found.recall[:100], expected.recall)
    np.testing.assert_array_equal(found.coverage[:100], expected.coverage)


def test_a_generator_of_one_image() -> None:
    """All distances are 0: each of its balls is one point."""
    rng = np.random.default_rng(4)
    real = rng.normal(size=(300, 64)).astype(np.float32)
    found = prdc.prdc(real, np.tile(real[:1], (300, 1)), neighbours=5)
    assert found.recall.tolist() == [True] + [False] * 299
    assert found.precision.all()


def test_a_generator_that_replays_the_real_images_is_perfect() -> None:
    """Each point is its own twin, and its k-th neighbour lies exactly on the surface of its ball."""
    rng = np.random.default_rng(5)
    real = (rng.normal(size=(500, 128)) + 1e3).astype(np.float32)
    found = prdc.prdc(real, real[rng.permutation(500)], neighbours=5)
    assert all(each.all() for each in (found.precision, found.recall, found.coverage))
    across = np.array([[np.sum((x.astype(np.float64) - y) ** 2) for y in real] for x in real[:20]])
    radii = prdc.squared_radii(real, 5)
    np.testing.assert_allclose(radii[:20], np.sort(across, axis=1)[:, 5], rtol=1e-12)
    assert found.density.sum() == pytest.approx(500 * 6 / 5)  # itself and k neighbours


def test_images_that_differ_in_the_last_digit() -> None:
    """A collapsed generator whose features differ by rounding: only differences of points give its distances."""
    rng = np.random.default_rng(6)
    real = rng.normal(size=(80, 24)).astype(np.float32)
    modes = real[rng.integers(0, 2, 90)]
    generated = np.nextafter(modes, rng.choice([-9, 9], size=modes.shape).astype(np.float32))

    def between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.sum((first.astype(np.float64)[:, None] - second.astype(np.float64)[None]) ** 2, axis=2)

    radii = np.sort(between(generated, generated), axis=1)[:, 5]
    np.testing.assert_allclose(prdc.squared_radii(generated, 5), radii, rtol=1e-13)
    expected = (between(real, generated) <= radii * (1 + 1e-12)).any(axis=1)
    np.testing.assert_array_equal(prdc.prdc(real, generated, neighbours=5).recall, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(DataError, match="finite"):
        prdc.prdc(np.eye(5), np.where(np.eye(5) > 0, bad, 0.0), neighbours=1)
