"""Finds nearly equal images: the same picture saved twice, at another quality or size.

If an image is in "train" and a near-duplicate in "test", a generator that memorised it scores too well. Exact copies
have equal decoded pixels; near-duplicates have similar thumbnails, the prepared images averaged down to 8 x 8 greys.
Measured with 10,000 CelebA images at 64 x 64: JPEG copies at quality 85, 50 and 20 and copies at half the size differ
by at most 1.4 levels (root mean square); three pairs of the originals are near-duplicates, at 1.75 to 2.1; the next
nearest pair differs by 7.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from gan.data.spec import split_rank

if TYPE_CHECKING:
    from gan.types import Floats, Pixels

SIDE = 8
MAX_LEVELS = 3.0
"""The largest root-mean-square difference, in grey levels of 255, between the thumbnails of near-duplicates."""
MAX_CONTRAST_SHARE = 0.1
"""The same as a share of the thumbnail's standard deviation: images of low contrast must be nearer."""
MAX_PAIRS = 5


def thumbnail(picture: Image.Image) -> bytes:
    """A prepared picture of mode L or RGB, averaged to 8 x 8 greys: uint8 [8, 8] in row-major order."""
    grey = picture if picture.mode == "L" else picture.convert("L")
    return grey.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def thumbnail_of(pixels: bytes, image_size: int, channels: int) -> bytes:
    """`thumbnail` of prepared pixels, uint8 [image_size, image_size, channels] in row-major order."""
    return thumbnail(Image.frombytes("L" if channels == 1 else "RGB", (image_size, image_size), pixels))


class NearDuplicatePair(NamedTuple):
    """Two near-duplicates: files, splits, and the root-mean-square difference of their thumbnails in grey levels."""

    files: tuple[str, str]
    splits: tuple[str, str]
    difference: float


@dataclass(frozen=True)
class NearDuplicateReport:
    """The near-duplicates of a dataset.

    images: how many images have a near-duplicate in any split.
    across_splits: how many images have one in an earlier split (train, valid, test).
    pairs: some of the pairs, those across splits first, then the nearest first.
    """

    images: int
    across_splits: int
    pairs: tuple[NearDuplicatePair, ...]


class NearDuplicates:
    """Collects thumbnails, 64 bytes an image, and finds the near-duplicates among them."""

    def __init__(self) -> None:
        self._thumbnails: dict[str, bytearray] = {}
        self._files: dict[str, list[str]] = {}

    def add(self, file: str, split: str, thumbnail: bytes) -> None:
        """Add an image."""
        self._thumbnails.setdefault(split, bytearray()).extend(thumbnail)
        self._files.setdefault(split, []).append(file)

    def find(self) -> NearDuplicateReport:
        """Compare each image with its nearest neighbour, in time of about N log N."""
        splits = {name: _Split(bytes(self._thumbnails[name])) for name in sorted(self._thumbnails, key=split_rank)}
        found = {name: split.within() for name, split in splits.items()}
        across = {name: _all_false(split.count) for name, split in splits.items()}
        pairs = [
            self._describe_pair(name, name, one, matches)
            for name, matches in found.items()
            for one in matches.nearest_first()[:MAX_PAIRS]
        ]
        for earlier, later in itertools.combinations(splits, 2):
            matches = splits[earlier].nearest_in(splits[later])
            pairs += [self._describe_pair(later, earlier, one, matches) for one in matches.nearest_first()[:MAX_PAIRS]]
            across[later] |= matches.found
            found[earlier] = found[earlier].merged_with(splits[later].nearest_in(splits[earlier]))
            found[later] = found[later].merged_with(matches)
        return NearDuplicateReport(
            images=sum(int(each.found.sum()) for each in found.values()),
            across_splits=sum(int(each.sum()) for each in across.values()),
            pairs=tuple(_closest_pairs(pairs)),
        )

    def _describe_pair(self, name: str, other_name: str, one: int, matches: _Matches) -> NearDuplicatePair:
        files = self._files[name][one], self._files[other_name][int(matches.other[one])]
        return NearDuplicatePair(files, (name, other_name), round(float(matches.difference[one]), 3))


class _Matches(NamedTuple):
    """For each image of a split: whether it has a near-duplicate, the nearest one, and its distance in levels."""

    found: npt.NDArray[np.bool_]
    other: npt.NDArray[np.int64]
    difference: Floats

    def nearest_first(self) -> list[int]:
        """The images that have a near-duplicate, the nearest first."""
        indices = np.flatnonzero(self.found)
        order: list[int] = indices[np.argsort(self.difference[indices], kind="stable")].tolist()
        return order

    def merged_with(self, more: _Matches) -> _Matches:
        return self._replace(found=self.found | more.found)


class _Split:
    """The thumbnails of one split as points; equal thumbnails are one point, so that many copies cost no more."""

    def __init__(self, thumbnails: bytes) -> None:
        from scipy.fft import dctn
        from scipy.spatial import cKDTree

        images: Pixels = np.frombuffer(thumbnails, np.uint8).reshape(-1, SIDE * SIDE)
        self.count = len(images)
        rows = images.view(f"V{SIDE * SIDE}").ravel()
        _, self._first, self._point_of, self._copies = np.unique(
            rows, return_index=True, return_inverse=True, return_counts=True
        )
        points = images[self._first].astype(np.float64)
        self._limits = np.minimum(MAX_LEVELS, MAX_CONTRAST_SHARE * points.std(axis=1))
        # The cosine transform preserves distances and concentrates the variance in few coordinates.
        blocks = dctn(points.reshape(-1, SIDE, SIDE), axes=(1, 2), norm="ortho")
        self._points: Floats = blocks.reshape(len(points), -1) / SIDE
        self._tree = cKDTree(self._points)

    def within(self) -> _Matches:
        """For each image, the nearest other image of the same split."""
        distances, neighbours = self._tree.query(self._points, k=2, distance_upper_bound=MAX_LEVELS)
        near = distances[:, 1] <= self._limits
        matches = self._matches(near, np.where(near, neighbours[:, 1], 0), distances[:, 1], self)
        copied = self._copies[self._point_of] > 1
        return _Matches(
            matches.found | copied,
            np.where(copied, self._other_copies(), matches.other),
            np.where(copied, 0.0, matches.difference),
        )

    def nearest_in(self, other: _Split) -> _Matches:
        """For each image of `other`, the nearest one of this split."""
        distances, neighbours = self._tree.query(other._points, k=1, distance_upper_bound=MAX_LEVELS)
        near = distances <= other._limits
        return other._matches(near, np.where(near, neighbours, 0), distances, self)

    def _matches(
        self, near: npt.NDArray[np.bool_], neighbours: npt.NDArray[np.int64], distances: Floats, target: _Split
    ) -> _Matches:
        """Expand matches of points to matches of images."""
        return _Matches(near[self._point_of], target._first[neighbours][self._point_of], distances[self._point_of])

    def _other_copies(self) -> npt.NDArray[np.int64]:
        """For each image, the previous one among its exact copies; for the first of them the last."""
        order = np.argsort(self._point_of, kind="stable")
        ends = np.cumsum(self._copies)
        before = np.roll(order, 1)
        before[ends - self._copies] = order[ends - 1]
        others = np.empty_like(order)
        others[order] = before
        return others


def _all_false(count: int) -> npt.NDArray[np.bool_]:
    return np.zeros(count, np.bool_)


def _closest_pairs(pairs: list[NearDuplicatePair]) -> list[NearDuplicatePair]:
    """Some pairs, those across splits first, then the nearest first, each pair of files once."""
    ordered = sorted(pairs, key=lambda pair: (pair.splits[0] == pair.splits[1], pair.difference, pair.files))
    once = {frozenset(pair.files): pair for pair in reversed(ordered)}
    return sorted(once.values(), key=ordered.index)[:MAX_PAIRS]
