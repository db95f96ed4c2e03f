"""Squared Euclidean distances between many points: fast by float32 matrix products, decided as if in exact arithmetic.

A float32 product comes with a bound on its error (Higham 2002, "Accuracy and Stability of Numerical Algorithms",
equation 3.5: any order of summation). What the bound leaves open is measured again from the differences of the two
points in float64, so neither the order of the points nor the size of the tiles shows in a result. Points whose
distances are all smaller than the bound (a generator that collapsed) are multiplied in float64 first.

A tile holds T = -d^2 / 2 = x.y - |x|^2 / 2 - |y|^2 / 2 in the units of a `Normalisation`: the nearer, the larger.
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
MEDIAN_ROWS = 1001  # points whose median is the centre of a frame
FLOAT32_ROUNDOFF, FLOAT64_ROUNDOFF = 2.0**-24, 2.0**-53  # unit roundoffs


class Normalisation(NamedTuple):
    """x -> (x - centre) * scale: features near 0 and at most about 1 in size, so that float32 holds them well.

    centre: float64 [F], a median, which a few points far away do not move.
    scale: a power of 2, so that it rounds nothing.
    """

    centre: Floats
    scale: float

    def apply(self, features: Features) -> Floats:
        """Features [N, F] in the units of the frame, float64."""
        scaled: Floats = (features - self.centre) * self.scale
        return scaled


def normalisation_of(*sets: Features) -> Normalisation:
    """A frame for sets of features [N, F].

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
    """Points that take part in a tile.

    rows: int [B], where they are in their set.
    single: float32 [B, F + 2], the placed features, |x|^2 / 2 and 1.
    halves: float64 [B], |x|^2 / 2.
    """

    rows: Indices
    single: npt.NDArray[np.float32]
    halves: Floats


@dataclass(frozen=True)
class Points:
    """A set of features [N, F] and those of its rows that take part, as float32 in a frame.

    features: all of them, as they came.
    normalisation: what `single` is measured in.
    rows, single, halves: as in `Block`, by rising norm: points of one tile have similar bounds.
    """

    features: Features
    normalisation: Normalisation
    rows: Indices
    single: npt.NDArray[np.float32]
    halves: Floats

    def blocks(self, at_least: int = 1) -> list[Block]:
        """All points, in blocks of about equal size: about `TILE_ROWS`, and at least `at_least` where there are."""
        count = max(1, min(math.ceil(len(self.rows) / TILE_ROWS), len(self.rows) // at_least))
        edges = np.linspace(0, len(self.rows), count + 1).astype(int)
        parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
        return [Block(self.rows[part], self.single[part], self.halves[part]) for part in parts]


def normalised(features: Features, normalisation: Normalisation, rows: Indices | None = None) -> Points:
    """Prepare the rows of features [N, F] that take part; without `rows` all."""
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
    """Slices over `count` rows (all of `features` without it) of `CHUNK_BYTES` in float64 each."""
    step = max(1, CHUNK_BYTES // (8 * max(1, features.shape[1])))
    total = len(features) if count is None else count
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


class Tile(NamedTuple):
    """T of each pair of two blocks, [A, B], float32 or float64, and the bounds of its errors.

    The error of a pair is at most row_error [A] + column_error [B].
    """

    values: npt.NDArray[np.float32 | np.float64]
    row_error: Floats
    column_error: Floats

    @property
    def transposed(self) -> Tile:
        """The same with rows and columns exchanged."""
        return Tile(self.values.T, self.column_error, self.row_error)

    def candidates(self, limits: Floats) -> Pairs:
        """The pairs whose T may be as large as the limit of their row [A]."""
        lowest = limits - 1.0001 * (self.row_error + self.column_error.max())
        kind = self.values.dtype
        threshold = np.nextafter(lowest.astype(kind), np.array(-np.inf, kind))
        if self.values.flags.c_contiguous:
            rows, columns = np.divmod(np.flatnonzero(self.values >= threshold[:, None]), self.values.shape[1])
        else:  # a tile that was turned: searched in the order of its memory
            columns, rows = np.divmod(np.flatnonzero(threshold <= self.values.T), self.values.shape[0])
        values = self.values[rows, columns].astype(np.float64)
        return Pairs(rows, columns, values, self.row_error[rows] + self.column_error[columns])


class Pairs(NamedTuple):
    """Some pairs of a tile: their rows and columns, T and the bound of its error, each [P]."""

    rows: Indices
    columns: Indices
    values: Floats
    errors: Floats

    def select(self, kept: npt.NDArray[np.bool_] | Indices) -> Pairs:
        """Those of the pairs that a mask or indices choose."""
        return Pairs(self.rows[kept], self.columns[kept], self.values[kept], self.errors[kept])

    @staticmethod
    def concatenated(parts: Sequence[Pairs]) -> Pairs:
        """The pairs of all parts, one part after the other."""
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
    """T in float64 of a block of `first` and one of `second`, measured from a point of the latter.

    The error grows with the distance to that point, not with that to the frame's centre. So it tells apart even points
    that differ in the last digit, where most of a block is one cluster of them.
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
    """Bound on a point's share of a tile's errors, of points with F = `width` features and |x|^2 / 2 = `halves`.

    F + 2 products summed, the norms and the points themselves rounded: (F + 8) roundoffs of |x|^2; and underflow.
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
    """Relative difference up to which two squared distances from `squared_distances` may be equal ones."""
    return 4.0 * (features + 3) * FLOAT64_ROUNDOFF


def digests(features: Features) -> list[bytes]:
    """SHA-256 of each row of features [N, F]: the same for equal rows."""
    return [hashlib.sha256((row + 0.0).data).digest() for row in features]  # adding 0 makes -0 to 0
