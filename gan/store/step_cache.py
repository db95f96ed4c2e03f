"""Caches which object a recipe made, so that a step whose output exists already is skipped.

A recipe is everything that decides a step's output: the ids of its inputs, its options, and the version of its method.
`recipes/<step>/<hash of the recipe>.json` holds the recipe and the id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gan.errors import IntegrityError, NotFoundError
from gan.store import immutable
from gan.store.document import read_checksummed, write_checksummed
from gan.store.interface import Item, Store
from gan.types import Json
from gan.util.ids import canonical, is_id, sha256

FOLDER = "recipes"


@dataclass(frozen=True)
class Entry:
    """What `put` wrote. `object_id` is None where the entry is damaged."""

    item: Item
    step: str
    object_id: str | None
    recipe: Json


def put(store: Store, step: str, recipe: dict[str, Any], object_id: str) -> None:
    """Record that `recipe` makes `object_id`.

    Where the same recipe may make another object the next time, call it before the object is published: if the process
    dies between the two writes, the result is a cache entry without an object, which readers ignore, rather than an
    unreachable object.
    """
    write_checksummed(store, _key(step, recipe), {"id": object_id, "recipe": recipe})


def published(store: Store, step: str, recipe: dict[str, Any], kind: str) -> str | None:
    """The object that `recipe` made before, if it still exists.

    The entry is rewritten before that is checked: `gan gc` keeps what a fresh entry names, since a run may be about to
    refer to it.
    """
    object_id = get(store, step, recipe)
    if object_id is None:
        return None
    put(store, step, recipe, object_id)
    return object_id if immutable.is_published(store, kind, object_id) else None


def get(store: Store, step: str, recipe: dict[str, Any]) -> str | None:
    """The id that `recipe` made before; None if there is none or the entry is damaged. The object may be gone."""
    try:
        tree = read_checksummed(store, _key(step, recipe), keys=("id", "recipe"))
    except (NotFoundError, IntegrityError):
        return None
    valid = is_id(tree["id"]) and canonical(tree["recipe"]) == canonical(recipe)
    return str(tree["id"]) if valid else None


def entries(store: Store, step: str = "") -> Iterator[Entry]:
    """Every entry, or every one of a step, damaged ones included."""
    for item in store.list(f"{FOLDER}/{step}" if step else FOLDER):
        parts = item.key.split("/")
        if len(parts) != 3:
            continue
        try:
            tree = read_checksummed(store, item.key, keys=("id", "recipe"))
        except IntegrityError:
            yield Entry(item, parts[1], None, {})
        except NotFoundError:
            continue  # deleted since it was listed
        else:
            yield Entry(item, parts[1], str(tree["id"]), tree["recipe"])


def _key(step: str, recipe: dict[str, Any]) -> str:
    return f"{FOLDER}/{step}/{sha256(canonical(recipe))}.json"
