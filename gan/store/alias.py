"""The promoted pointer: which generator is live under a name, and every move that led there.

`promoted/<name>.json` moves by compare-and-swap only: of two racing moves one wins and the other raises ConflictError.
It is sealed (`gan.store.document`), and read only if every byte of it is as `update` wrote it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from gan.errors import ConflictError, IntegrityError, NotFoundError
from gan.store.document import checksummed_json, parse_checksummed
from gan.store.interface import Store
from gan.util.ids import check_id, is_id

FOLDER, SUFFIX = "promoted", ".json"
REMEDY = "restore it from a copy, or delete it and promote again (then it forgets what was rolled back from)"


@dataclass(frozen=True)
class Promotion:
    """One move of the pointer. `at` is ISO 8601 in UTC; `action` is promote, force, rollback or anchor.

    An anchor move leaves the live generator as it is. `anchors` are what later generators are held to from this move
    on: for each score the best generator that was ever live; None where the move says nothing about it. `move_id` tells
    this very move from all others, so that a client that lost the storage's answer knows whether it was made.
    """

    generator_id: str
    action: str
    at: str
    before: str | None = None
    reason: str = ""
    move_id: str = field(default_factory=lambda: secrets.token_hex(8))
    anchors: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Alias:
    """The pointer of a name. `version` is what a move must expect; `live` is None where nothing is promoted.

    Moves stand in the order in which they were made. `at` never goes back in it, whatever the clocks of the hosts say.
    """

    name: str
    live: str | None
    moves: tuple[Promotion, ...]
    version: str | None

    def before_live(self) -> str | None:
        """The generator that a rollback makes live: the one that was live when the live one was promoted.

        Rollbacks undo promotions as an editor's undo does: each goes one promotion further back.
        """
        stack: list[str] = []
        for move in self.moves:
            if move.action == "rollback":
                stack.pop()
            elif move.action != "anchor":
                stack.append(move.generator_id)
        return stack[-2] if len(stack) > 1 else None

    @property
    def anchors(self) -> dict[str, str]:
        """For each score the generator that new ones are held to: the best that was ever live, or a deliberate choice.

        Each is the last on record that was not rolled back from, since the last deliberate choice, which a rollback
        leaves alone. Empty where nothing is on record, as in histories from before there were anchors.
        """
        rejected, found = self.rolled_back_from(), dict[str, str]()
        for move in self.moves:
            if move.action == "anchor":
                found = {}
            found |= {score: each for score, each in (move.anchors or {}).items() if each not in rejected}
        return found

    def ever_live(self) -> tuple[str, ...]:
        """Every generator that was live and was not rolled back from, in the order of their first promotion."""
        rejected = self.rolled_back_from()
        return tuple(dict.fromkeys(move.generator_id for move in self.moves if move.generator_id not in rejected))

    def rolled_back_from(self) -> frozenset[str]:
        """The generators that a rollback took out of service and that nobody made live again since."""
        rejected: set[str] = set()
        live: str | None = None
        for move in self.moves:
            if move.action == "rollback" and live is not None:
                rejected.add(live)
            live = move.generator_id
            rejected.discard(live)
        return frozenset(rejected)


def key_of(name: str) -> str:
    """Where the pointer of a name lies."""
    return f"{FOLDER}/{check_id(name, '--name')}{SUFFIX}"


def read(store: Store, name: str) -> Alias:
    """The pointer of a name; an empty one where nothing was ever promoted to it.

    Raises:
        IntegrityError: the object is not a pointer, or not byte for byte the one that was written.
    """
    versioned = store.read_versioned(key_of(name))
    if versioned.version is None:
        return Alias(name, None, (), None)
    uri = store.uri_of(key_of(name))
    tree = parse_checksummed(versioned.data, uri, keys=("name", "live", "moves"), remedy=REMEDY)
    try:
        moves = tuple(Promotion(**move) for move in tree["moves"])
    except TypeError as error:
        raise IntegrityError(f"{uri} is damaged ({error}); {REMEDY}") from None
    if not moves or moves[-1].generator_id != tree["live"]:
        raise IntegrityError(f"{uri} is damaged (its last move does not lead to {tree['live']}); {REMEDY}")
    if tree["name"] != name:
        raise IntegrityError(f"{uri} is damaged (it is the pointer of {tree['name']}); {REMEDY}")
    return Alias(name, moves[-1].generator_id, moves, versioned.version)


def read_live(store: Store, name: str) -> Alias:
    """The pointer of a name that something is live under.

    Raises:
        NotFoundError: nothing was ever promoted to it; the message lists the names that there are.
        IntegrityError: see `read`.
    """
    pointer = read(store, name)
    if pointer.live is None:
        known = ", ".join(names(store)) or "none"
        raise NotFoundError(f'nothing was ever promoted to "{name}"; names with a live generator: {known}')
    return pointer


def update(store: Store, pointer: Alias, step: Promotion) -> Alias:
    """Move the pointer that was read.

    Raises:
        ConflictError: somebody else moved it since it was read.
        StoreError: the storage would let racing moves overwrite each other.
    """
    store.require_conditions()
    step = replace(step, at=max(move.at for move in (*pointer.moves[-1:], step)))
    moves = (*pointer.moves, step)
    try:
        version: str | None = store.swap(key_of(pointer.name), _to_json(pointer.name, moves), expected=pointer.version)
    except ConflictError:
        there = read(store, pointer.name)
        if there.moves[: len(moves)] != moves:
            raise
        version = there.version if there.moves == moves else None  # others moved on since
    return Alias(pointer.name, step.generator_id, moves, version)


def import_history(store: Store, name: str, moves: Sequence[Promotion]) -> bool:
    """Give a name the history that it has in another store; returns whether that is a change.

    Raises:
        ConflictError: it has another history here, or somebody moved it just now.
    """
    store.require_conditions()
    there = read(store, name)
    if there.moves == tuple(moves):
        return False
    if there.moves != tuple(moves)[: len(there.moves)]:
        raise ConflictError(
            f"{store.uri_of(key_of(name))} has a history of its own: its last move is to {there.live} at "
            f"{there.moves[-1].at}, where {moves[-1].generator_id} at {moves[-1].at} was to follow; keep one of both"
        )
    store.swap(key_of(name), _to_json(name, moves), expected=there.version)
    return True


def names(store: Store) -> Iterator[str]:
    """Every name that something was promoted to, sorted; files that are no pointers are passed over."""
    for item in store.list(FOLDER):
        file = item.key.removeprefix(f"{FOLDER}/")
        if file.endswith(SUFFIX) and is_id(file.removesuffix(SUFFIX)):
            yield file.removesuffix(SUFFIX)


def _to_json(name: str, moves: Sequence[Promotion]) -> bytes:
    live = moves[-1].generator_id
    return checksummed_json({"name": name, "live": live, "moves": [asdict(each) for each in moves]})
