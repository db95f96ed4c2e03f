"""Remembers which object a recipe made, so that a step whose output is there already is skipped.

A recipe is everything that decides a step's output: the ids of its inputs, its options, and the version of its own
method. `recipes/<step>/<hash of the recipe>.json` holds the recipe and the id.
"""

from __future__ import annotations

from typing import Any

from gan.errors import IntegrityError, NotFoundError
from gan.ids import canonical, is_id, sha256
from gan.store.document import read_sealed, write_sealed
from gan.store.interface import Store


def remember(store: Store, step: str, recipe: dict[str, Any], object_id: str) -> None:
    """Note that `recipe` made `object_id`. Call it after the object is published, and whenever it is found there.

    `gan gc` keeps what a fresh note is about, since a run may be about to refer to it.
    """
    write_sealed(store, _key(step, recipe), {"id": object_id, "recipe": recipe})


def recall(store: Store, step: str, recipe: dict[str, Any]) -> str | None:
    """The id that `recipe` made before, or None, also where the note is damaged. The caller checks that the object is
    still there.
    """
    try:
        note = read_sealed(store, _key(step, recipe), keys=("id", "recipe"))
    except (NotFoundError, IntegrityError):
        return None
    sound = is_id(note["id"]) and canonical(note["recipe"]) == canonical(recipe)
    return str(note["id"]) if sound else None


def _key(step: str, recipe: dict[str, Any]) -> str:
    return f"recipes/{step}/{sha256(canonical(recipe))}.json"
