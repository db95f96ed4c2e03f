"""The sheet of samples: a column a class."""

from __future__ import annotations

import numpy as np
import pytest

from gan.export import sample_grid


def test_without_classes_eight_by_eight() -> None:
    made = sample_grid.sample_grid(5, None)
    assert (made.latents.shape, made.labels, made.columns) == ((64, 5), None, 8)


@pytest.mark.parametrize(("classes", "columns"), [(3, 3), (10, 10), (40, sample_grid.MAX_COLUMNS)])
def test_with_classes_a_column_each(classes: int, columns: int) -> None:
    made = sample_grid.sample_grid(5, classes, rows=4)
    assert made.columns == columns
    assert made.latents.shape == (4 * columns, 5)
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels.reshape(4, columns), [list(range(columns))] * 4)
    rows = made.latents.reshape(4, columns, 5)
    assert (rows == rows[:, :1]).all()
    assert len(np.unique(made.latents, axis=0)) == 4


@pytest.mark.parametrize(("size", "tile"), [(8, 64), (28, 84), (64, 64), (178, 178)])
def test_small_images_are_enlarged(size: int, tile: int) -> None:
    made = sample_grid.sample_grid(5, 3, rows=2)
    assert made.picture(np.zeros((6, size, size, 1), np.uint8)).size == (3 * (tile + 2) - 2, 2 * (tile + 2) - 2)
