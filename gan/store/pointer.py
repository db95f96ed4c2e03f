"""The promoted pointer: which generator is live under a name, and every move that led there.

`promoted/<name>.json` moves by compare-and-swap only: of two racing moves one wins and the other raises ConflictError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from gan.errors import IntegrityError
from gan.ids import check_id
from gan.store.interface import Store


@dataclass(frozen=True)
class Move:
    """One move of the pointer. `at` is ISO 8601 in UTC; `action` is promote, force or rollback."""

    generator_id: str
    action: str
    at: str
    before: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Pointer:
    """The pointer of a name. `version` is what a move must expect; `live` is None where nothing is promoted."""

    name: str
    live: str | None
    moves: tuple[Move, ...]
    version: str | None

    def before_live(self) -> str | None:
        """The generator that a rollback makes live: the one that was live when the live one was promoted.

        Rollbacks undo promotions as an editor's undo does: each goes one promotion further back.
        """
        stack: list[str] = []
        for move in self.moves:
            if move.action == "rollback":
                stack.pop()
            else:
                stack.append(move.generator_id)
        return stack[-2] if len(stack) > 1 else None


def key_of(name: str) -> str:
    """Where the pointer of a name lies."""
    return f"promoted/{check_id(name, '--name')}.json"


def read(store: Store, name: str) -> Pointer:
    """The pointer of a name; an empty one where nothing was ever promoted to it.

    Raises:
        IntegrityError: the object is not a pointer.
    """
    versioned = store.read_versioned(key_of(name))
    if versioned.version is None:
        return Pointer(name, None, (), None)
    try:
        tree = json.loads(versioned.data)
        moves = tuple(Move(**move) for move in tree["moves"])
        live = str(tree["live"])
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{store.uri_of(key_of(name))} is damaged: {error}") from None
    if not moves or moves[-1].generator_id != live:
        raise IntegrityError(f"{store.uri_of(key_of(name))} is damaged: its last move does not lead to {live}")
    return Pointer(name, live, moves, versioned.version)


def move(store: Store, pointer: Pointer, step: Move) -> Pointer:
    """Move the pointer that was read.

    Raises:
        ConflictError: somebody else moved it since it was read.
    """
    moves = (*pointer.moves, step)
    tree: dict[str, Any] = {
        "name": pointer.name,
        "live": step.generator_id,
        "moves": [asdict(each) for each in moves],
    }
    version = store.swap(key_of(pointer.name), json.dumps(tree, indent=2).encode(), expected=pointer.version)
    return Pointer(pointer.name, step.generator_id, moves, version)


def names(store: Store) -> Iterator[str]:
    """Every name that something was promoted to, sorted."""
    for item in store.list("promoted"):
        yield item.key.removeprefix("promoted/").removesuffix(".json")
