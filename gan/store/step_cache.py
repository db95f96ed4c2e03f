"""Remembers which object a recipe made, so that a step whose output is there already is skipped.

A recipe is everything that decides a step's output: the ids of its inputs, its options, and the version of its own
method. `recipes/<step>/<hash of the recipe>.json` holds the recipe and the id.
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
    """What `put` wrote; `made` is its id, and None where the note is damaged."""

    item: Item
    step: str
    made: str | None
    recipe: Json


def put(store: Store, step: str, recipe: dict[str, Any], object_id: str) -> None:
    """Note that `recipe` makes `object_id`.

    Call it before the object is published where the same recipe may make another object the next time: whoever is
    killed between the two leaves a note of nothing, which counts for nothing, instead of an object that nobody finds.
    """
    write_checksummed(store, _key(step, recipe), {"id": object_id, "recipe": recipe})


def published(store: Store, step: str, recipe: dict[str, Any], kind: str) -> str | None:
    """The object that `recipe` made before, if it is still there.

    The note is written anew before that is looked up: `gan gc` keeps what a fresh note is about, since a run may be
    about to refer to it.
    """
    known = get(store, step, recipe)
    if known is None:
        return None
    put(store, step, recipe, known)
    return known if immutable.is_published(store, kind, known) else None


def get(store: Store, step: str, recipe: dict[str, Any]) -> str | None:
    """The id that `recipe` made before, or None, also where the note is damaged. The caller checks that the object is
    still there.
    """
    try:
        note = read_checksummed(store, _key(step, recipe), keys=("id", "recipe"))
    except (NotFoundError, IntegrityError):
        return None
    sound = is_id(note["id"]) and canonical(note["recipe"]) == canonical(recipe)
    return str(note["id"]) if sound else None


def entries(store: Store, step: str = "") -> Iterator[Entry]:
    """Every note there is, or every one of a step, damaged ones included."""
    for item in store.list(f"{FOLDER}/{step}" if step else FOLDER):
        parts = item.key.split("/")
        if len(parts) != 3:
            continue
        try:
            note = read_checksummed(store, item.key, keys=("id", "recipe"))
        except IntegrityError:
            yield Entry(item, parts[1], None, {})
        except NotFoundError:
            continue  # deleted since it was listed
        else:
            yield Entry(item, parts[1], str(note["id"]), note["recipe"])


def _key(step: str, recipe: dict[str, Any]) -> str:
    return f"{FOLDER}/{step}/{sha256(canonical(recipe))}.json"
