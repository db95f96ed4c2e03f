"""The nearest points of each of many points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths.distances import digests, normalisation_of, normalised
from gan.metrics.maths.neighbours import BlockPair, NearestCollector

if TYPE_CHECKING:
    from gan.metrics.maths.distances import Indices
    from gan.types import Features, Floats

PART_BYTES = 2**26  # of points converted to float32 at a time


def nearest(
    queries: Features, points: Features, count: int = 1, *, exclude_equal: bool = False
) -> tuple[Indices, Floats]:
    """The nearest points of each query, the nearest first.

    Args:
        queries: [M, F].
        points: [N, F], N at least 1.
        count: how many to find.
        exclude_equal: ignore repeated points and those that equal the query, for queries that are themselves points.

    Returns:
        Indices of the nearest points, int [M, K], and their distances, float64 [M, K]. K is the smaller of `count` and
        the number of points that are not ignored. Ties are broken by the lowest index; if every point is ignored, the
        only one is index 0 at infinite distance.

    Memory: the queries in float32, and a part of the points at a time.

    Raises:
        DataError: a feature is not a finite number.
    """
    rows, equal_rows = _distinct_rows(points, queries) if exclude_equal else (np.arange(len(points)), None)
    if equal_rows is not None and len(rows) == 1:
        return np.zeros((len(queries), 1), np.intp), np.full((len(queries), 1), np.inf)
    count = min(count, len(rows) - exclude_equal)
    normalisation = normalisation_of(points, queries)
    query_points = normalised(queries, normalisation)
    blocks = query_points.blocks()
    collectors = [NearestCollector(queries, block, points, normalisation.scale, count) for block in blocks]
    for part in _parts(rows, at_least=count + 1, width=points.shape[1]):
        part_points = normalised(points, normalisation, part)
        for columns in part_points.blocks(at_least=count + 1):
            for block, collector in zip(blocks, collectors, strict=True):
                excluded = None if equal_rows is None else _positions(equal_rows[block.rows], columns.rows)
                collector.add(BlockPair(query_points, block, part_points, columns, excluded=excluded))
    indices, squares = np.empty((len(queries), count), np.intp), np.empty((len(queries), count))
    for block, collector in zip(blocks, collectors, strict=True):
        squares[block.rows], indices[block.rows] = collector.finish_all()
    return indices, np.sqrt(squares)


def _parts(rows: Indices, *, at_least: int, width: int) -> list[Indices]:
    """Rows in parts of about `PART_BYTES` in float32, and of at least `at_least` if there are enough."""
    most = math.ceil(len(rows) * 4 * width / PART_BYTES)
    return np.array_split(rows, max(1, min(most, len(rows) // at_least)))


def _distinct_rows(points: Features, queries: Features) -> tuple[Indices, Indices]:
    """The rows of distinct points, ascending, and for each query the row of the point that equals it, or -1."""
    first: dict[bytes, int] = {}
    for row, digest in enumerate(digests(points)):
        first.setdefault(digest, row)
    return np.array(list(first.values())), np.array([first.get(digest, -1) for digest in digests(queries)])


def _positions(wanted: Indices, rows: Indices) -> tuple[Indices, Indices]:
    """Which elements of `wanted` [A] are in `rows` [B], and their positions there."""
    order = np.argsort(rows)
    places = order[np.searchsorted(rows[order], wanted).clip(max=len(rows) - 1)]
    collectors = np.flatnonzero(rows[places] == wanted)
    return collectors, places[collectors]
