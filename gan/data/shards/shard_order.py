"""The order in which examples are packed into shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gan.data.sources.interface import ExampleRef
from gan.data.spec import split_rank


def packing_order(examples: Iterable[ExampleRef]) -> list[ExampleRef]:
    """Examples split by split, each split in a fixed pseudo-random order, so that every shard is a random sample of it.

    Sorting by the SHA-256 of the ids gives the same order on every machine and with every library version, independent
    of the order in which a file system lists files.
    """
    return sorted(examples, key=_sort_key)


def _sort_key(example: ExampleRef) -> tuple[tuple[int, str], bytes]:
    # The prefix is part of every dataset's id: it stays, whatever this module is called.
    digest = hashlib.sha256(f"gan.data.order/{example.split}/{example.id}".encode()).digest()
    return split_rank(example.split), digest
