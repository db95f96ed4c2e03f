"""Which points of two blocks are near each other: pairs within a radius, and the k nearest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths.distances import Pairs, Tile, double_tile, single_tile, squared_distances, tie_tolerance

if TYPE_CHECKING:
    import numpy.typing as npt

    from gan.metrics.maths.distances import Block, Indices, Points
    from gan.types import Features, Floats

MAX_UNDECIDED_SHARE = 1 / 64  # share of undecided pairs of a tile from which on it is multiplied again, in float64
MAX_CANDIDATES_PER_NEIGHBOUR = 16  # times k candidates a point, from which on those that came to be too far are dropped
MAX_PAIRS = 2**20  # candidates that a block keeps before they are reduced to k a point: 32 MB


class BlockPair:
    """Two blocks of points and the tile between them, made when it is asked for.

    rows, columns: the blocks, of `first` and of `second`.
    excluded: pairs that count as infinitely far: their rows and columns within the tile.
    """

    def __init__(
        self,
        first: Points,
        rows: Block,
        second: Points,
        columns: Block,
        *,
        excluded: tuple[Indices, Indices] | None = None,
    ) -> None:
        self.first, self.rows, self.second, self.columns = first, rows, second, columns
        self._excluded = excluded

    @cached_property
    def single(self) -> Tile:
        """The tile by a float32 product."""
        return self._exclude(single_tile(self.rows, self.columns))

    @cached_property
    def double(self) -> Tile:
        """The tile by a float64 product, for where float32 leaves too much open."""
        return self._exclude(double_tile(self.first, self.rows, self.second, self.columns))

    @property
    def transposed(self) -> BlockPair:
        """The same, with rows and columns exchanged."""
        return _TransposedPair(self)

    def _exclude(self, tile: Tile) -> Tile:
        if self._excluded is not None:
            tile.values[self._excluded] = -np.inf
        return tile

    def candidates(self, limits: Floats, slack: float = 1.0) -> tuple[Pairs, npt.NDArray[np.bool_]]:
        """The pairs whose T may be as large as `slack` times the limit of their row [A], at most 0.

        Returns:
            The pairs, [P], and which of them may be nearer or farther than the limit itself, bool [P].
        """
        most = MAX_UNDECIDED_SHARE * len(self.rows.rows) * len(self.columns.rows)
        pairs = self.single.candidates(limits * slack)
        undecided = pairs.values - pairs.errors < limits[pairs.rows]
        if np.count_nonzero(undecided) > most:
            pairs = self.double.candidates(limits * slack)
            undecided = pairs.values - pairs.errors < limits[pairs.rows]
        return pairs, undecided

    def within(self, squared_radii: Floats) -> tuple[Indices, Indices]:
        """Pairs whose distance is at most the radius of the row's point, squared radii [A].

        Returns:
            The rows of `first.features` and of `second.features`, [P] each.
        """
        slack = 1.0 + tie_tolerance(self.first.features.shape[1])
        pairs, undecided = self.candidates(-0.5 * squared_radii * self.first.normalisation.scale**2, slack)
        rows, columns = self.rows.rows[pairs.rows], self.columns.rows[pairs.columns]
        inside = ~undecided
        exact = squared_distances(self.first.features, rows[undecided], self.second.features, columns[undecided])
        inside[undecided] = exact <= squared_radii[pairs.rows[undecided]] * slack
        return rows[inside], columns[inside]


class _TransposedPair(BlockPair):
    def __init__(self, other: BlockPair) -> None:
        super().__init__(other.second, other.columns, other.first, other.rows)
        self._other = other

    @cached_property
    def single(self) -> Tile:
        return self._other.single.transposed

    @cached_property
    def double(self) -> Tile:
        return self._other.double.transposed


class NearestCollector:
    """Collects the k nearest neighbours of a block's points from one meeting after the other.

    The first meeting must hold at least k neighbours of each point.
    """

    def __init__(self, features: Features, block: Block, others: Features, scale: float, neighbours: int) -> None:
        self._features, self._block, self._others, self._scale = features, block, others, scale
        self._neighbours = neighbours
        self._limits = np.full(len(block.rows), -np.inf)  # T of the k-th nearest is at least this
        self._found: list[Pairs] = []

    def add(self, pair: BlockPair) -> None:
        """Take in a meeting whose rows are the block."""
        if not self._found:
            tile = pair.single
            at = tile.values.shape[1] - self._neighbours
            kth = np.partition(tile.values, at, axis=1)[:, at]
            self._limits = kth - tile.row_error - tile.column_error.max()
        pairs, _ = pair.candidates(self._limits)
        self._found.append(pairs._replace(columns=pair.columns.rows[pairs.columns]))
        if self._count() > MAX_CANDIDATES_PER_NEIGHBOUR * self._neighbours * len(self._limits):
            self._drop_far_pairs()
        if self._count() > MAX_PAIRS:
            self._keep_nearest()

    def _count(self) -> int:
        return sum(len(each.rows) for each in self._found)

    def _drop_far_pairs(self) -> None:
        """Drop the pairs that are surely not among the k nearest."""
        pairs = Pairs.concatenated(self._found)
        self._limits = self._kth(pairs.rows, pairs.values - pairs.errors)
        self._found = [pairs.select(pairs.values + pairs.errors >= self._limits[pairs.rows])]

    def finish(self) -> tuple[Floats, Indices]:
        """The squared distances to the k-th nearest neighbours and their rows in `others`, [B] each.

        Of neighbours that are equally near the one with the lowest row counts as nearest.
        """
        last = self._keep_nearest()
        self._found = []
        return last

    def _keep_nearest(self) -> tuple[Floats, Indices]:
        """Keep k pairs a point; which is the k-th is told by exact distances."""
        pairs = Pairs.concatenated(self._found)
        most, least = (self._kth(pairs.rows, pairs.values + sign * pairs.errors) for sign in (1, -1))
        surely_nearest = pairs.values - pairs.errors > most[pairs.rows]
        undecided = pairs.select(~surely_nearest & (pairs.values + pairs.errors >= least[pairs.rows]))
        exact = squared_distances(self._features, self._block.rows[undecided.rows], self._others, undecided.columns)
        order = np.lexsort((undecided.columns, self._merge_ties(undecided.rows, exact), undecided.rows))
        wanted = self._neighbours - np.bincount(pairs.rows[surely_nearest], minlength=len(self._limits))
        starts = np.searchsorted(undecided.rows[order], np.arange(len(self._limits)))
        chosen = order[np.arange(len(order)) - starts[undecided.rows[order]] < wanted[undecided.rows[order]]]
        self._store(pairs.select(surely_nearest), undecided.select(chosen), exact[chosen])
        last = order[starts + wanted - 1]
        return exact[last], undecided.columns[last]

    def _store(self, surely_nearest: Pairs, chosen: Pairs, exact: Floats) -> None:
        values = -0.5 * exact * self._scale**2
        errors = -values * tie_tolerance(self._features.shape[1])
        exact_pairs = chosen._replace(values=values, errors=errors)
        self._found = [Pairs.concatenated([surely_nearest, exact_pairs])]
        self._limits = self._kth(self._found[0].rows, self._found[0].values - self._found[0].errors)

    def _kth(self, rows: Indices, values: Floats) -> Floats:
        """The k-th largest value of each row, [B]."""
        order = np.argsort(-values)
        small = np.min_scalar_type(len(self._limits))  # 16 bits are sorted by radix
        order = order[np.argsort(rows[order].astype(small), kind="stable")]
        starts = np.searchsorted(rows[order], np.arange(len(self._limits)))
        kth: Floats = values[order[starts + self._neighbours - 1]]
        return kth

    def _merge_ties(self, rows: Indices, exact: Floats) -> Floats:
        """Distances that may equal the least of their row become it."""
        least = np.full(len(self._limits), np.inf)
        np.minimum.at(least, rows, exact)
        tied = exact <= least[rows] * (1.0 + tie_tolerance(self._features.shape[1]))
        return np.where(tied, least[rows], exact)
