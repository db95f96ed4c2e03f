"""Exact nearest neighbours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def nearest(
    points: npt.NDArray[Any], among: npt.NDArray[Any], count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The `count` nearest of `among` [N, F] for each of `points` [M, F], the nearest first.

    Returns:
        Indices into `among` [M, K] and Euclidean distances float64 [M, K], K the smaller of `count` and N.
    """
    indices, distances = [], []
    for point in points:
        squares = np.concatenate(
            [
                np.sum((part.astype(np.float64) - point.astype(np.float64)) ** 2, axis=1)
                for part in np.array_split(among, max(1, len(among) // 1000))
            ]
        )
        order = np.argsort(squares, kind="stable")[:count]
        indices.append(order)
        distances.append(np.sqrt(squares[order]))
    return np.stack(indices), np.stack(distances)
