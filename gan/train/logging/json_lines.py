"""JSON lines of a run in chunks, one per checkpoint interval: `<folder>/<first_step>.jsonl`.

A chunk holds the lines from `first_step` to the next checkpoint. A resume deletes the chunks that begin after its
checkpoint, so no step appears twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from gan.errors import IntegrityError
from gan.store import Store
from gan.types import Json


class Chunks:
    """Collects the lines of one checkpoint interval after another.

    Args:
        key_from: from the first step of a chunk to its key in the store.
        first_step: of the first chunk.
    """

    def __init__(self, key_from: Callable[[int], str], first_step: int) -> None:
        self._key_from = key_from
        self._first_step = first_step
        self._lines: list[str] = []

    def _add(self, record: Json) -> None:
        self._lines.append(json.dumps(record, allow_nan=False))

    def take(self, next_step: int) -> dict[str, bytes]:
        """The chunk by its key in the store, if there is one; the next one begins at `next_step`."""
        key, lines = self._key_from(self._first_step), self._lines
        self._first_step, self._lines = next_step, []
        return {key: ("\n".join(lines) + "\n").encode()} if lines else {}


def read(store: Store, folder: str) -> list[Json]:
    """The records in the chunks of a folder, in order; empty if there is none.

    Raises:
        IntegrityError: a chunk is not JSON lines.
    """
    records: list[Json] = []
    for item in store.list(folder):
        try:
            records += [json.loads(line) for line in store.read(item.key).decode().splitlines()]
        except ValueError:
            raise IntegrityError(f"{store.uri_of(item.key)} is damaged: not JSON lines") from None
    return records
