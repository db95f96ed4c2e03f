"""Aliases: which generator is live under a name, and the history of promotions that led there.

`promoted/<name>.json` changes by compare-and-swap only: of two racing updates one wins and the other raises
ConflictError. It is checksummed (`gan.store.document`).
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
REMEDY = "restore it from a copy, or delete it and promote again (which loses the history of rollbacks)"


@dataclass(frozen=True)
class Promotion:
    """One change of an alias. `at` is ISO 8601 in UTC; `action` is promote, force, rollback or anchor.

    An anchor leaves the live generator as it is. `anchors` are what later generators are compared with from here on:
    for each score the best generator that was ever live; None leaves the anchors unchanged. `move_id` is unique: by it
    a client that lost the storage's answer knows whether its update was made.
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
    """What a name points to. `version` is what an update must expect; `live` is None where nothing is promoted.

    `history` is in order, and its times never decrease, whatever the clocks of the hosts say.
    """

    name: str
    live: str | None
    history: tuple[Promotion, ...]
    version: str | None

    def previous(self) -> str | None:
        """The generator that a rollback makes live: the one that was live before the live one was promoted.

        Each further rollback undoes one more promotion, like undo in an editor.
        """
        stack: list[str] = []
        for move in self.history:
            if move.action == "rollback":
                stack.pop()
            elif move.action != "anchor":
                stack.append(move.generator_id)
        return stack[-2] if len(stack) > 1 else None

    @property
    def anchors(self) -> dict[str, str]:
        """For each score the generator that new ones are compared with: the best ever live, or a deliberate choice.

        Each is the last recorded one that was not rolled back from, since the last deliberate choice, which a rollback
        does not undo. Empty in histories from before there were anchors.
        """
        rejected, anchors = self.rolled_back_from(), dict[str, str]()
        for move in self.history:
            if move.action == "anchor":
                anchors = {}
            anchors |= {score: each for score, each in (move.anchors or {}).items() if each not in rejected}
        return anchors

    def ever_live(self) -> tuple[str, ...]:
        """Every generator that was live and not rolled back from, in the order of their first promotion."""
        rejected = self.rolled_back_from()
        return tuple(dict.fromkeys(move.generator_id for move in self.history if move.generator_id not in rejected))

    def rolled_back_from(self) -> frozenset[str]:
        """The generators that a rollback replaced and that were not made live again since."""
        rejected: set[str] = set()
        live: str | None = None
        for move in self.history:
            if move.action == "rollback" and live is not None:
                rejected.add(live)
            live = move.generator_id
            rejected.discard(live)
        return frozenset(rejected)


def key_of(name: str) -> str:
    """The key of an alias."""
    return f"{FOLDER}/{check_id(name, '--name')}{SUFFIX}"


def read(store: Store, name: str) -> Alias:
    """The alias of a name; an empty one where nothing was ever promoted to it.

    Raises:
        IntegrityError: the object is not an alias, or a byte of it changed.
    """
    versioned = store.read_versioned(key_of(name))
    if versioned.version is None:
        return Alias(name, None, (), None)
    uri = store.uri_of(key_of(name))
    tree = parse_checksummed(versioned.data, uri, keys=("name", "live", "moves"), remedy=REMEDY)
    try:
        history = tuple(Promotion(**each) for each in tree["moves"])
    except TypeError as error:
        raise IntegrityError(f"{uri} is damaged ({error}); {REMEDY}") from None
    if not history or history[-1].generator_id != tree["live"]:
        raise IntegrityError(f"{uri} is damaged (its last promotion is not of {tree['live']}); {REMEDY}")
    if tree["name"] != name:
        raise IntegrityError(f"{uri} is damaged (it is the alias {tree['name']}); {REMEDY}")
    return Alias(name, history[-1].generator_id, history, versioned.version)


def read_live(store: Store, name: str) -> Alias:
    """The alias of a name that has a live generator.

    Raises:
        NotFoundError: nothing was ever promoted to it; the message lists the known names.
        IntegrityError: see `read`.
    """
    alias = read(store, name)
    if alias.live is None:
        known = ", ".join(names(store)) or "none"
        raise NotFoundError(f'nothing was ever promoted to "{name}"; names with a live generator: {known}')
    return alias


def update(store: Store, alias: Alias, promotion: Promotion) -> Alias:
    """Add a promotion to the alias as it was read.

    Raises:
        ConflictError: somebody else updated it since it was read.
        StoreError: the storage would let racing updates overwrite each other.
    """
    store.require_conditions()
    promotion = replace(promotion, at=max(each.at for each in (*alias.history[-1:], promotion)))
    history = (*alias.history, promotion)
    try:
        version: str | None = store.swap(key_of(alias.name), _to_json(alias.name, history), expected=alias.version)
    except ConflictError:
        found = read(store, alias.name)
        if found.history[: len(history)] != history:
            raise
        version = found.version if found.history == history else None  # others updated it since
    return Alias(alias.name, promotion.generator_id, history, version)


def import_history(store: Store, name: str, history: Sequence[Promotion]) -> bool:
    """Give a name the history that it has in another store; returns whether anything changed.

    Raises:
        ConflictError: it has another history here, or somebody updated it just now.
    """
    store.require_conditions()
    found = read(store, name)
    if found.history == tuple(history):
        return False
    if found.history != tuple(history)[: len(found.history)]:
        raise ConflictError(
            f"{store.uri_of(key_of(name))} has another history: its last promotion is {found.live} at "
            f"{found.history[-1].at}; the copied one ends with {history[-1].generator_id} at {history[-1].at}. Keep one"
        )
    store.swap(key_of(name), _to_json(name, history), expected=found.version)
    return True


def names(store: Store) -> Iterator[str]:
    """Every name that something was promoted to, sorted; other files are skipped."""
    for item in store.list(FOLDER):
        file = item.key.removeprefix(f"{FOLDER}/")
        if file.endswith(SUFFIX) and is_id(file.removesuffix(SUFFIX)):
            yield file.removesuffix(SUFFIX)


def _to_json(name: str, history: Sequence[Promotion]) -> bytes:
    live = history[-1].generator_id
    return checksummed_json({"name": name, "live": live, "moves": [asdict(each) for each in history]})
