"""Which object needs which: what inspect draws, `gan gc` never deletes, and `gan store copy` takes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gan.errors import IntegrityError, NotFoundError
from gan.export.files import METADATA
from gan.metrics import evaluations
from gan.store import Store, alias, immutable, layout
from gan.store.document import read_checksummed

REFERENCE_FACTS = "reference.json"


class ObjectRef(NamedTuple):
    """What tells an object from all others: a run and a promoted name may share an id."""

    kind: str
    id: str


DATASET, REFERENCE, RUN, GENERATOR, NAME = KINDS = ("dataset", "reference", "run", "generator", "promoted name")
"""Each kind needs objects of earlier ones only, so that lineage has no circles, whatever the ids are."""


def keys(store: Store) -> Iterator[ObjectRef]:
    """Every object that is there for readers."""
    for kind in (DATASET, REFERENCE):
        yield from (ObjectRef(kind, each) for each in immutable.ids(store, kind))
    yield from (ObjectRef(RUN, each) for each in layout.run_ids(store))
    yield from (ObjectRef(GENERATOR, each) for each in immutable.ids(store, GENERATOR))
    yield from (ObjectRef(NAME, each) for each in alias.names(store))


def needs(store: Store, key: ObjectRef) -> tuple[ObjectRef, ...]:
    """What an object says that it was made from, or has scores against, or has or had live.

    Raises:
        NotFoundError: there is no such object.
        IntegrityError: its record can't be read.
    """
    try:
        return tuple(dict.fromkeys(_NEEDS[key.kind](store, key.id)))
    except (KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"the record of {key.kind} {key.id} does not say what it was made from: {error!r}"
        ) from None


def require_exists(store: Store, kind: str, object_id: str) -> None:
    """Look, once a reference to an object is made, whether it still leads somewhere.

    `gan gc` takes an object from readers and looks for references then, so that one of the two sees the other.

    Raises:
        NotFoundError: gc took it.
    """
    there = store.exists(layout.record(object_id)) if kind == RUN else immutable.is_published(store, kind, object_id)
    if not there:
        raise NotFoundError(
            f"{kind} {object_id} was deleted by gan gc just as it was to be used; make it again, and run this again"
        )


def _of_dataset(store: Store, dataset_id: str) -> Iterator[ObjectRef]:
    return iter(())


def _of_reference(store: Store, reference_id: str) -> Iterator[ObjectRef]:
    yield ObjectRef(DATASET, immutable.read_json(store, REFERENCE, reference_id, REFERENCE_FACTS)["dataset_id"])


def _of_run(store: Store, run_id: str) -> Iterator[ObjectRef]:
    yield ObjectRef(DATASET, read_checksummed(store, layout.record(run_id))["dataset_id"])
    yield from (ObjectRef(REFERENCE, evaluations.reference_of(key)) for key in evaluations.keys(store, run_id))


def _of_generator(store: Store, generator_id: str) -> Iterator[ObjectRef]:
    facts = immutable.read_json(store, GENERATOR, generator_id, METADATA)
    yield ObjectRef(RUN, facts["run_id"])
    yield ObjectRef(DATASET, facts["dataset_id"])
    if facts["reference_id"] is not None:
        yield ObjectRef(REFERENCE, facts["reference_id"])


def _of_name(store: Store, name: str) -> Iterator[ObjectRef]:
    yield from (ObjectRef(GENERATOR, move.generator_id) for move in reversed(alias.read(store, name).moves))


_NEEDS: dict[str, Callable[[Store, str], Iterator[ObjectRef]]] = {
    DATASET: _of_dataset,
    REFERENCE: _of_reference,
    RUN: _of_run,
    GENERATOR: _of_generator,
    NAME: _of_name,
}
