"""Squared Euclidean distances between many points: fast float32 matrix products with the decisions of exact arithmetic.

The error of a float32 product is bounded (Higham 2002, "Accuracy and Stability of Numerical Algorithms", equation 3.5,
for any order of summation). Pairs that the bound leaves undecided are computed again in float64 from the differences of
the points, so results depend neither on the order of the points nor on the tile size. If all distances are smaller than
the bound (a collapsed generator), the products are first repeated in float64.

A tile holds T = -d^2 / 2 = x.y - |x|^2 / 2 - |y|^2 / 2 of normalised points: the nearer, the larger.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.errors import DataError

if TYPE_CHECKING:
    from gan.types import Features, Floats

Indices = npt.NDArray[np.intp]

TILE_ROWS = 1024  # points on each side of a tile: 4 MB in float32
CHUNK_BYTES = 2**24  # of float64 at a time, where points are converted or subtracted one by one
MEDIAN_ROWS = 1001  # points whose median is the centre of a normalisation
FLOAT32_ROUNDOFF, FLOAT64_ROUNDOFF = 2.0**-24, 2.0**-53  # unit roundoffs


class Normalisation(NamedTuple):
    """x -> (x - centre) * scale: maps features to about [-1, 1], where float32 is precise.

    centre: float64 [F], a median, which outliers do not move.
    scale: a power of 2, so that scaling is exact.
    """

    centre: Floats
    scale: float

    def apply(self, features: Features) -> Floats:
        """Normalised features [N, F], float64."""
        scaled: Floats = (features - self.centre) * self.scale
        return scaled


def normalisation_of(*sets: Features) -> Normalisation:
    """The normalisation of sets of features [N, F].

    Raises:
        DataError: a feature is not a finite number.
    """
    first = sets[0]
    centre = np.median(first[:: max(1, len(first) // MEDIAN_ROWS)].astype(np.float64), axis=0)
    largest = float(np.max([np.abs(each[rows] - centre).max() for each in sets for rows in _chunks(each)]))
    if not math.isfinite(largest):
        raise DataError("features must be finite numbers; some are NaN or infinite. Check the feature network")
    return Normalisation(centre, 2.0 ** -math.ceil(math.log2(largest)) if largest > 0 else 1.0)


class Block(NamedTuple):
    """The points of one side of a tile.

    rows: int [B], their rows in the set.
    single: float32 [B, F + 2], the normalised features, |x|^2 / 2 and 1.
    halves: float64 [B], |x|^2 / 2.
    """

    rows: Indices
    single: npt.NDArray[np.float32]
    halves: Floats


@dataclass(frozen=True)
class Points:
    """A set of features [N, F], and some of its rows as normalised float32.

    features: all features, unchanged.
    normalisation: that of `single` and `halves`.
    rows, single, halves: as in `Block`, sorted by norm, so that the points of one tile have similar error bounds.
    """

    features: Features
    normalisation: Normalisation
    rows: Indices
    single: npt.NDArray[np.float32]
    halves: Floats

    def blocks(self, at_least: int = 1) -> list[Block]:
        """All points in blocks of about equal size: about `TILE_ROWS`, and at least `at_least` if there are enough."""
        count = max(1, min(math.ceil(len(self.rows) / TILE_ROWS), len(self.rows) // at_least))
        edges = np.linspace(0, len(self.rows), count + 1).astype(int)
        parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
        return [Block(self.rows[part], self.single[part], self.halves[part]) for part in parts]


def normalised(features: Features, normalisation: Normalisation, rows: Indices | None = None) -> Points:
    """The points of some rows of features [N, F], or of all of them."""
    rows_taken = np.arange(len(features)) if rows is None else rows
    width = features.shape[1]
    halves = np.empty(len(rows_taken))
    for part in _chunks(features, len(rows_taken)):
        scaled = normalisation.apply(features[rows_taken[part]])
        halves[part] = 0.5 * np.einsum("ij,ij->i", scaled, scaled)
    order = np.argsort(halves, kind="stable")
    single = np.ones((len(rows_taken), width + 2), np.float32)
    for part in _chunks(features, len(rows_taken)):
        single[part, :width] = normalisation.apply(features[rows_taken[order[part]]])
    single[:, width] = halves[order]
    return Points(features, normalisation, rows_taken[order], single, halves[order])


def _chunks(features: Features, count: int | None = None) -> Iterator[slice]:
    """Slices over `count` rows (default: all of `features`) that take `CHUNK_BYTES` in float64."""
    step = max(1, CHUNK_BYTES // (8 * max(1, features.shape[1])))
    total = len(features) if count is None else count
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


class Tile(NamedTuple):
    """T of each pair of points of two blocks, [A, B], float32 or float64, with error bounds.

    The error of a pair is at most row_error [A] + column_error [B].
    """

    values: npt.NDArray[np.float32 | np.float64]
    row_error: Floats
    column_error: Floats

    @property
    def transposed(self) -> Tile:
        """The tile with rows and columns exchanged."""
        return Tile(self.values.T, self.column_error, self.row_error)

    def candidates(self, limits: Floats) -> Pairs:
        """The pairs whose T may reach the limit of their row [A]."""
        lowest = limits - 1.0001 * (self.row_error + self.column_error.max())
        kind = self.values.dtype
        threshold = np.nextafter(lowest.astype(kind), np.array(-np.inf, kind))
        if self.values.flags.c_contiguous:
            rows, columns = np.divmod(np.flatnonzero(self.values >= threshold[:, None]), self.values.shape[1])
        else:  # a transposed tile: search in memory order
            columns, rows = np.divmod(np.flatnonzero(threshold <= self.values.T), self.values.shape[0])
        values = self.values[rows, columns].astype(np.float64)
        return Pairs(rows, columns, values, self.row_error[rows] + self.column_error[columns])


class Pairs(NamedTuple):
    """Some pairs of a tile: rows, columns, T and its error bound, each [P]."""

    rows: Indices
    columns: Indices
    values: Floats
    errors: Floats

    def select(self, kept: npt.NDArray[np.bool_] | Indices) -> Pairs:
        """The pairs that a mask or indices select."""
        return Pairs(self.rows[kept], self.columns[kept], self.values[kept], self.errors[kept])

    @staticmethod
    def concatenated(parts: Sequence[Pairs]) -> Pairs:
        """The pairs of all parts, in order."""
        return Pairs(
            np.concatenate([each.rows for each in parts]),
            np.concatenate([each.columns for each in parts]),
            np.concatenate([each.values for each in parts]),
            np.concatenate([each.errors for each in parts]),
        )


def single_tile(first: Block, second: Block) -> Tile:
    """T in float32 of two blocks."""
    other = first.single.copy()
    other[:, -2], other[:, -1] = -1.0, -first.halves
    return Tile(
        other @ second.single.T,
        *(_error(each.halves, first.single.shape[1] - 2, FLOAT32_ROUNDOFF, 2.0**-125) for each in (first, second)),
    )


def double_tile(first: Points, rows: Block, second: Points, columns: Block) -> Tile:
    """T in float64 of a block of `first` and one of `second`, centred on a point of the latter.

    The error grows with the distance from that point, not from the normalisation's centre. So it separates points that
    differ only in the last digit, if most of a block is one cluster of them.
    """
    centre = second.features[columns.rows[len(columns.rows) // 2]].astype(np.float64)
    near = Normalisation(centre, first.normalisation.scale)
    left, right = near.apply(first.features[rows.rows]), near.apply(second.features[columns.rows])
    left_halves, right_halves = (0.5 * np.einsum("ij,ij->i", each, each) for each in (left, right))
    values = left @ right.T
    values -= left_halves[:, None]
    values -= right_halves
    width = left.shape[1]
    return Tile(values, *(_error(each, width, FLOAT64_ROUNDOFF, 2.0**-1020) for each in (left_halves, right_halves)))


def _error(halves: Floats, width: int, roundoff: float, underflow: float) -> Floats:
    """A point's part of the error bound of a tile, for F = `width` features and |x|^2 / 2 = `halves`.

    Summing F + 2 products and rounding the norms and the points give (F + 8) roundoffs of |x|^2, plus underflow.
    """
    bound: Floats = 1.01 * (width + 8) * (2.0 * halves * roundoff + underflow)
    return bound


def squared_distances(first: Features, rows: Indices, second: Features, columns: Indices) -> Floats:
    """Squared distances of pairs, `first[rows[p]]` to `second[columns[p]]`: float64 [P], from their differences."""
    found = np.empty(len(rows))
    for part in _chunks(first, len(rows)):
        gap = first[rows[part]].astype(np.float64) - second[columns[part]]
        found[part] = np.einsum("ij,ij->i", gap, gap)
    return found


def tie_tolerance(features: int) -> float:
    """Relative difference below which two results of `squared_distances` count as equal."""
    return 4.0 * (features + 3) * FLOAT64_ROUNDOFF


def digests(features: Features) -> list[bytes]:
    """SHA-256 of each row of features [N, F]: the same for equal rows."""
    return [hashlib.sha256((row + 0.0).data).digest() for row in features]  # adding 0 makes -0 to 0
