"""Read every byte again and compare it with its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec

from gan.data import spec
from gan.errors import IntegrityError, NotFoundError
from gan.metrics import evaluations
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, runs, sealed, verdicts
from gan.train.checkpoint import Checkpoints
from gan.train.metrics_log import read_metrics
from gan.train.run import config_damages, read_run

P = ParamSpec("P")


def verify(store: Store, object_ids: Sequence[str] = ()) -> Outcome:
    """Check datasets, references, generators, runs with all that they hold, and pointers.

    Args:
        store: the store to check.
        object_ids: what to check; nothing means everything. An id that is both a run's and a promoted name means both.

    Returns:
        An outcome whose details are `checked` (ids) and `damages` (a sentence each).

    Raises:
        NotFoundError: an id is of nothing in the store.
    """
    watch = Stopwatch()
    things = sorted(_things(store))
    known = {object_id for object_id, _ in things}
    for object_id in object_ids:
        if object_id not in known:
            raise NotFoundError(f'nothing in the store is called "{object_id}"; list it with: gan inspect')
    chosen = [thing for thing in things if not object_ids or thing[0] in object_ids]
    damages = dict.fromkeys(damage for object_id, kind in chosen for damage in _damages(store, kind, object_id))
    details = {"checked": [object_id for object_id, _ in chosen], "damages": list(damages)}
    return Outcome("store", store.uri, watch.seconds(), details=details)


def _things(store: Store) -> Iterator[tuple[str, str]]:
    """Id and kind of everything that can be checked."""
    for kind in sealed.KINDS:
        for object_id in sealed.ids(store, kind):
            yield object_id, kind
    for run_id in runs.run_ids(store):
        yield run_id, "run"
    for name in pointer.names(store):
        yield name, "name"


def _damages(store: Store, kind: str, object_id: str) -> Iterator[str]:
    if kind == "run":
        yield from _run_damages(store, object_id)
    elif kind == "name":
        yield from _pointer_damages(store, object_id)
    else:
        yield from sealed.damages(store, kind, object_id)
    if kind == "dataset":
        yield from _told(spec.load, store, object_id)  # is it the seal of this dataset, and of all of it?


def _pointer_damages(store: Store, name: str) -> Iterator[str]:
    try:
        live = pointer.read(store, name).live
    except IntegrityError as error:
        yield str(error)
    else:
        if live is not None and not sealed.is_published(store, "generator", live):
            yield f"{store.uri_of(pointer.key_of(name))} points to {live}, which is not in the store"


def _run_damages(store: Store, run_id: str) -> Iterator[str]:
    checkpoints = Checkpoints(store, run_id)
    try:
        yield from config_damages(store, read_run(store, run_id))
    except IntegrityError as error:
        yield str(error)
    try:
        for step in checkpoints.steps():
            yield from _told(checkpoints.check, step)
    except IntegrityError as error:
        yield str(error)  # the record of attempts tells which checkpoints count
    yield from _told(read_metrics, store, run_id)
    for key in evaluations.keys(store, run_id):
        yield from _told(evaluations.read_key, store, key)
    for name in verdicts.names(store, run_id):
        yield from _told(verdicts.read, store, run_id, name)


def _told(read: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
    """What a reader that checks what it reads says of it, if that is damaged."""
    try:
        read(*args, **kwargs)
    except (IntegrityError, NotFoundError) as error:
        yield str(error)
