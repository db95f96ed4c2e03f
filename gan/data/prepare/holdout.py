"""Which examples are held out, where a source has no split of its own.

What decides is a hash of an image's pixels as they were decoded, upright and before any crop or resize to size.
So a picture and its copy as a PNG, BMP or lossless WebP, with other metadata, or turned and marked so by EXIF, lie on
the same side, and an image keeps its side whatever size it is prepared in and whatever is added later.

A copy whose pixels differ (a JPEG saved again, a smaller one) has another hash, and may lie on the other side. Clusters
of such near-duplicates are not kept together: one image that is added can join two clusters, and then one of them
would have to change sides. `preprocess` reports them instead (`gan.data.prepare.near_duplicates`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gan.errors import DataError

_DIGITS = 15
_HASH_RANGE: int = 16**_DIGITS
TRAIN, TEST = "train", "test"


def is_held_out(digest: str, percent: int) -> bool:
    """Whether an image belongs to the test split, by the hash of its pixels alone.

    Args:
        digest: SHA-256 in hexadecimal.
        percent: 1 to 90; about this share of different images is held out.
    """
    number = int(digest[:_DIGITS], 16)
    return number * 100 < percent * _HASH_RANGE


def held_out(digests: Iterable[str], percent: int) -> set[str]:
    """The hashes whose images form the test split: those that `is_held_out` says, and at least one on each side.

    Equal images are never on both sides, and images added later move none from one side to the other (but for the one
    that had to fill an empty side).

    Args:
        digests: SHA-256 in hexadecimal, one an image; may repeat.
        percent: 1 to 90.

    Raises:
        DataError: there are fewer than two different images.
    """
    different = sorted(set(digests))
    require_two_images(len(different))
    chosen = {digest for digest in different if is_held_out(digest, percent)}
    return (chosen or {different[0]}) - ({different[-1]} if len(chosen) == len(different) else set())


def require_two_images(different: int) -> None:
    """Whether so many different images can be split.

    Raises:
        DataError: there are fewer than two.
    """
    if different < 2:
        raise DataError(
            f"there must be at least 2 different images, one to train on and one to hold out; got {different}"
        )


class SplitByPixels:
    """Puts images into "train" or "test" as they come, by `is_held_out`.

    With few images all of them may fall on one side. Then `moved` names the hash that is to change sides, and the same
    images are to be split again with that; the result is what `held_out` gives for all hashes at once.

    Args:
        percent: 1 to 90.
        moved: the hash that goes to the other side.
    """

    def __init__(self, percent: int, moved: str | None = None) -> None:
        self._percent, self._moved = percent, moved
        self._least = self._most = ""
        self._sides: set[bool] = set()

    def split_of(self, digest: str) -> str:
        """The split of an image with this hash."""
        self._least = min(self._least or digest, digest)
        self._most = max(self._most, digest)
        held = is_held_out(digest, self._percent) != (digest == self._moved)
        self._sides.add(held)
        return TEST if held else TRAIN

    @property
    def moved(self) -> str | None:
        """The hash that has to change sides, so that neither is empty; None where neither is.

        Raises:
            DataError: there are fewer than two different images.
        """
        if len(self._sides) == 2:
            return None
        require_two_images(len({self._least, self._most} - {""}))
        return self._most if True in self._sides else self._least
