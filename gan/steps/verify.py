"""Read every byte again and compare it with its checksum."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gan.errors import IntegrityError, NotFoundError
from gan.ids import sha256
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, sealed


def verify(store: Store, object_ids: Sequence[str] = ()) -> Outcome:
    """Check datasets, references, generators, checkpoints and pointers.

    Args:
        store: the store to check.
        object_ids: what to check; nothing means everything.

    Returns:
        An outcome whose details are `checked` (ids) and `damages` (a sentence each).

    Raises:
        NotFoundError: an id is of nothing in the store.
    """
    watch = Stopwatch()
    things = dict(_things(store))
    for object_id in object_ids:
        if object_id not in things:
            raise NotFoundError(f'nothing in the store is called "{object_id}"; list it with: gan inspect')
    checked = list(object_ids) or sorted(things)
    damages = [damage for each in checked for damage in _damages(store, things[each], each)]
    return Outcome("store", store.uri, watch.seconds(), details={"checked": checked, "damages": damages})


def _things(store: Store) -> Iterator[tuple[str, str]]:
    """Id and kind of everything that has checksums."""
    for kind in sealed.KINDS:
        for object_id in sealed.ids(store, kind):
            yield object_id, kind
    for item in store.list("runs"):
        parts = item.key.split("/")
        if len(parts) == 3 and parts[2] == "run.json":
            yield parts[1], "run"
    for name in pointer.names(store):
        yield name, "name"


def _damages(store: Store, kind: str, object_id: str) -> Iterator[str]:
    if kind == "run":
        yield from _run_damages(store, object_id)
    elif kind == "name":
        try:
            live = pointer.read(store, object_id).live
        except IntegrityError as error:
            yield str(error)
        else:
            if live is not None and not sealed.is_published(store, "generator", live):
                yield f"{store.uri_of(pointer.key_of(object_id))} points to {live}, which is not in the store"
    else:
        yield from map(str, sealed.damages(store, kind, object_id))


def _run_damages(store: Store, run_id: str) -> Iterator[str]:
    for item in store.list(f"runs/{run_id}/checkpoints"):
        if not item.key.endswith("/checkpoint.json"):
            continue
        state = item.key.removesuffix("checkpoint.json") + "state.safetensors"
        try:
            expected = json.loads(store.read(item.key))["sha256"]
        except (ValueError, KeyError, TypeError):
            yield f"{store.uri_of(item.key)} is damaged: it holds no checksum"
            continue
        try:
            found: str | None = sha256(store.read(state))
        except NotFoundError:
            found = None
        if found != expected:
            yield str(sealed.Damage(store.uri_of(state), expected, found))
