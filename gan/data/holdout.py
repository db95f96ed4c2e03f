"""Which examples are held out, where a source has no split of its own."""

from __future__ import annotations

from collections.abc import Iterable

from gan.errors import DataError

_DIGITS = 15
_PARTS = 16**_DIGITS


def held_out(digests: Iterable[str], percent: int) -> set[str]:
    """The content hashes whose images form the test split.

    An image's place depends on its own bytes alone: equal images are never on both sides, and images added later move
    none from one side to the other. With many images, about `percent` of the different ones are held out; with few,
    at least one is on each side.

    Args:
        digests: SHA-256 in hexadecimal, one an image; may repeat.
        percent: 1 to 90.

    Raises:
        DataError: there are fewer than two different images.
    """
    different = sorted(set(digests))
    if len(different) < 2:
        raise DataError(
            f"there must be at least 2 different images, one to train on and one to hold out; got {len(different)}"
        )
    chosen = {digest for digest in different if int(digest[:_DIGITS], 16) * 100 < percent * _PARTS}
    return (chosen or {different[0]}) - ({different[-1]} if len(chosen) == len(different) else set())
