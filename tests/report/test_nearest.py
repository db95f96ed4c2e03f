"""The nearest points, against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from gan.report.pictures import nearest


def test_as_scikit_learn_finds_them() -> None:
    rng = np.random.default_rng(0)
    points, among = rng.normal(size=(5, 7)), rng.normal(size=(2500, 7)).astype(np.float32)
    indices, distances = nearest(points, among, 3)
    expected, theirs = NearestNeighbors(n_neighbors=3).fit(among.astype(np.float64)).kneighbors(points)
    np.testing.assert_array_equal(indices, theirs)
    np.testing.assert_allclose(distances, expected, rtol=1e-9)


def test_bytes_do_not_wrap_around() -> None:
    indices, distances = nearest(np.array([[0]], np.uint8), np.array([[255], [3]], np.uint8), 9)
    assert indices.tolist() == [[1, 0]]
    assert distances.tolist() == [[3.0, 255.0]]
