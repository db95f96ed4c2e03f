"""Decides which examples are held out, for sources that define no splits.

The split of an image follows from a hash of its decoded pixels, upright and before any crop or resize. So an image and
its copy as a PNG, BMP or lossless WebP, with other metadata, or rotated by EXIF, are in the same split, and an image
keeps its split at every prepared size and when images are added later.

A copy with other pixels (a JPEG saved again, a smaller one) has another hash and may be in the other split. Clusters of
near-duplicates are not kept together: a new image can join two clusters, and then one cluster would have to change
splits. `preprocess` reports them instead (`gan.data.prepare.near_duplicates`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gan.errors import DataError

_DIGITS = 15
_HASH_RANGE: int = 16**_DIGITS
TRAIN, TEST = "train", "test"


def is_held_out(digest: str, percent: int) -> bool:
    """Whether an image belongs to the test split, from the hash of its pixels.

    Args:
        digest: SHA-256 in hexadecimal.
        percent: 1 to 90; about this share of distinct images is held out.
    """
    number = int(digest[:_DIGITS], 16)
    return number * 100 < percent * _HASH_RANGE


def held_out(digests: Iterable[str], percent: int) -> set[str]:
    """The hashes of the images in the test split: those that `is_held_out` chooses, and at least one image per split.

    Equal images are never in both splits, and images added later move no image to the other split (except one that
    had to fill an empty split).

    Args:
        digests: SHA-256 in hexadecimal, one per image; may repeat.
        percent: 1 to 90.

    Raises:
        DataError: there are fewer than two distinct images.
    """
    distinct = sorted(set(digests))
    require_two_images(len(distinct))
    chosen = {digest for digest in distinct if is_held_out(digest, percent)}
    return (chosen or {distinct[0]}) - ({distinct[-1]} if len(chosen) == len(distinct) else set())


def require_two_images(distinct: int) -> None:
    """Check that there are enough distinct images to split.

    Raises:
        DataError: there are fewer than two.
    """
    if distinct < 2:
        raise DataError(
            f"there must be at least 2 different images, one to train on and one to hold out; got {distinct}"
        )


class SplitByPixels:
    """Assigns a stream of images to "train" or "test" by `is_held_out`.

    A small set may leave one split empty. Then `moved` is the hash that must change splits, and the caller splits the
    same images again with it; the result equals that of `held_out` for all hashes at once.

    Args:
        percent: 1 to 90.
        moved: the hash that goes to the other split.
    """

    def __init__(self, percent: int, moved: str | None = None) -> None:
        self._percent, self._moved = percent, moved
        self._lowest = self._highest = ""
        self._splits_seen: set[bool] = set()

    def split_of(self, digest: str) -> str:
        """The split of an image with this hash."""
        self._lowest = min(self._lowest or digest, digest)
        self._highest = max(self._highest, digest)
        held = is_held_out(digest, self._percent) != (digest == self._moved)
        self._splits_seen.add(held)
        return TEST if held else TRAIN

    @property
    def moved(self) -> str | None:
        """The hash that must change splits so that none is empty; None if none is.

        Raises:
            DataError: there are fewer than two distinct images.
        """
        if len(self._splits_seen) == 2:
            return None
        require_two_images(len({self._lowest, self._highest} - {""}))
        return self._highest if True in self._splits_seen else self._lowest
