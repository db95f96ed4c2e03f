"""The nearest points: known values, scikit-learn, and exact arithmetic with ties, repeats and offsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from gan.metrics.maths import distances
from gan.metrics.maths import nearest as module
from gan.metrics.maths.nearest import nearest


@pytest.mark.parametrize("part_bytes", [2**10, 2**26])
def test_as_scikit_learn_finds_them(part_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_BYTES", part_bytes)
    rng = np.random.default_rng(0)
    queries, points = rng.normal(size=(5, 7)), rng.normal(size=(2500, 7)).astype(np.float32)
    indices, found = nearest(queries, points, 3)
    expected, theirs = NearestNeighbors(n_neighbors=3).fit(points.astype(np.float64)).kneighbors(queries)
    np.testing.assert_array_equal(indices, theirs)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_bytes_do_not_wrap_around_and_there_are_at_most_all_points() -> None:
    indices, found = nearest(np.array([[0]], np.uint8), np.array([[255], [3]], np.uint8), 9)
    assert indices.tolist() == [[1, 0]]
    assert found.tolist() == [[3.0, 255.0]]


def test_the_lowest_index_of_equals() -> None:
    points = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    indices, found = nearest(np.array([[0.0, 0.0], [1.0, 0.0]]), points)
    assert indices.tolist() == [[0], [0]]
    assert found.tolist() == [[1.0], [0.0]]
    indices, _ = nearest(np.array([[0.0, 0.0], [1.0, 0.0]]), points, 3)
    assert indices.tolist() == [[0, 1, 2], [0, 2, 1]]


def test_points_that_equal_the_query_can_be_ignored() -> None:
    points = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    indices, found = nearest(points, points, exclude_equal=True)
    assert indices.tolist() == [[1], [0], [1], [1]]
    np.testing.assert_allclose(found, np.full((4, 1), 2**0.5), rtol=1e-15)
    indices, _ = nearest(points, points, 9, exclude_equal=True)
    assert indices.tolist() == [[1, 3], [0, 3], [1, 3], [1, 0]]
    indices, found = nearest(np.ones((3, 2)), np.ones((3, 2)), exclude_equal=True)
    assert (indices.tolist(), found.tolist()) == ([[0]] * 3, [[np.inf]] * 3)


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    offset=st.sampled_from([0, 2**20]),
    tile=st.sampled_from([2, 5, 1024]),
    part=st.sampled_from([32, 2**26]),
    count=st.integers(1, 5),
)
def test_ties_repeats_and_offsets_equal_exact_arithmetic(
    data: st.DataObject, offset: int, tile: int, part: int, count: int
) -> None:
    points = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=14)
    queries, others = (np.array(data.draw(points)) + offset for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE_ROWS", tile)
        patch.setattr(module, "PART_BYTES", part)
        indices, found = nearest(queries.astype(np.float32), others.astype(np.float32), count)
    squares = np.sum((queries[:, None] - others[None]) ** 2, axis=2)
    expected = squares.argsort(axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(found, np.sqrt(np.take_along_axis(squares, expected, axis=1)))
