"""Nearest neighbours of points in two blocks: pairs within a radius, and the k nearest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths.distances import Pairs, Tile, double_tile, single_tile, squared_distances, tie_tolerance

if TYPE_CHECKING:
    import numpy.typing as npt

    from gan.metrics.maths.distances import Block, Indices, Points
    from gan.types import Features, Floats

MAX_UNDECIDED_SHARE = 1 / 64  # of the pairs of a tile; with more, the tile is computed again in float64
MAX_CANDIDATES_PER_NEIGHBOUR = 16  # with more than this times k per point, those that are too far are dropped
MAX_PAIRS = 2**20  # candidates of a block (32 MB); with more, they are reduced to k per point


class BlockPair:
    """Two blocks of points and the tile between them, computed on request.

    rows, columns: the blocks, of `first` and of `second`.
    excluded: rows and columns of the pairs in the tile that count as infinitely far.
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
        """The tile in float32."""
        return self._exclude(single_tile(self.rows, self.columns))

    @cached_property
    def double(self) -> Tile:
        """The tile in float64, used if float32 leaves too many pairs undecided."""
        return self._exclude(double_tile(self.first, self.rows, self.second, self.columns))

    @property
    def transposed(self) -> BlockPair:
        """The pair with rows and columns exchanged."""
        return _TransposedPair(self)

    def _exclude(self, tile: Tile) -> Tile:
        if self._excluded is not None:
            tile.values[self._excluded] = -np.inf
        return tile

    def candidates(self, limits: Floats, slack: float = 1.0) -> tuple[Pairs, npt.NDArray[np.bool_]]:
        """The pairs whose T may reach `slack` times the limit of their row [A], which is at most 0.

        Returns:
            The pairs, [P], and whether each is undecided: possibly nearer or farther than the limit, bool [P].
        """
        most = MAX_UNDECIDED_SHARE * len(self.rows.rows) * len(self.columns.rows)
        pairs = self.single.candidates(limits * slack)
        undecided = pairs.values - pairs.errors < limits[pairs.rows]
        if np.count_nonzero(undecided) > most:
            pairs = self.double.candidates(limits * slack)
            undecided = pairs.values - pairs.errors < limits[pairs.rows]
        return pairs, undecided

    def within(self, squared_radii: Floats) -> tuple[Indices, Indices]:
        """The pairs whose distance is at most the radius of the row's point, given squared radii [A].

        Returns:
            The rows in `first.features` and in `second.features`, [P] each.
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
    """Collects the k nearest neighbours of a block's points from one block pair after another.

    The first pair must have at least k neighbours for each point.
    """

    def __init__(self, features: Features, block: Block, others: Features, scale: float, neighbours: int) -> None:
        self._features, self._block, self._others, self._scale = features, block, others, scale
        self._neighbours = neighbours
        self._limits = np.full(len(block.rows), -np.inf)  # T of the k-th nearest is at least this
        self._found: list[Pairs] = []

    def add(self, pair: BlockPair) -> None:
        """Add a pair whose rows are the block."""
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
        """Drop the pairs that are certainly not among the k nearest."""
        pairs = Pairs.concatenated(self._found)
        self._limits = self._kth(pairs.rows, pairs.values - pairs.errors)
        self._found = [pairs.select(pairs.values + pairs.errors >= self._limits[pairs.rows])]

    def finish(self) -> tuple[Floats, Indices]:
        """The squared distances to the k-th nearest neighbours and their rows in `others`, [B] each.

        Ties are broken by the lowest row.
        """
        last = self._keep_nearest()
        self._found = []
        return last

    def finish_all(self) -> tuple[Floats, Indices]:
        """The same of all k nearest neighbours, the nearest first: [B, k] each."""
        self._keep_nearest()
        (pairs,), self._found = self._found, []
        exact = squared_distances(self._features, self._block.rows[pairs.rows], self._others, pairs.columns)
        order = np.lexsort((pairs.columns, exact, pairs.rows)).reshape(-1, self._neighbours)
        return exact[order], pairs.columns[order]

    def _keep_nearest(self) -> tuple[Floats, Indices]:
        """Keep k pairs per point; exact distances decide which is the k-th."""
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
        small = np.min_scalar_type(len(self._limits))  # 16-bit integers use radix sort
        order = order[np.argsort(rows[order].astype(small), kind="stable")]
        starts = np.searchsorted(rows[order], np.arange(len(self._limits)))
        kth: Floats = values[order[starts + self._neighbours - 1]]
        return kth

    def _merge_ties(self, rows: Indices, exact: Floats) -> Floats:
        """Set distances that may equal the smallest of their row to the smallest."""
        least = np.full(len(self._limits), np.inf)
        np.minimum.at(least, rows, exact)
        tied = exact <= least[rows] * (1.0 + tie_tolerance(self._features.shape[1]))
        return np.where(tied, least[rows], exact)
