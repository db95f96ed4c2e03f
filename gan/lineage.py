"""Which object depends on which, for `gan gc`, `gan verify` and `gan store copy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gan.errors import IntegrityError, NotFoundError
from gan.export.metadata import METADATA
from gan.metrics import evaluations
from gan.store import Store, alias, immutable, layout
from gan.store.document import read_checksummed

REFERENCE_RECORD = "reference.json"


class ObjectRef(NamedTuple):
    """Kind and id: an id alone may be shared by a run and a promoted name."""

    kind: str
    id: str


DATASET, REFERENCE, RUN, GENERATOR, NAME = KINDS = ("dataset", "reference", "run", "generator", "promoted name")
"""Each kind depends on earlier ones only, so lineage has no cycles, whatever the ids are."""


def object_refs(store: Store) -> Iterator[ObjectRef]:
    """Every complete object."""
    for kind in (DATASET, REFERENCE):
        yield from (ObjectRef(kind, each) for each in immutable.ids(store, kind))
    yield from (ObjectRef(RUN, each) for each in layout.run_ids(store))
    yield from (ObjectRef(GENERATOR, each) for each in immutable.ids(store, GENERATOR))
    yield from (ObjectRef(NAME, each) for each in alias.names(store))


def dependencies(store: Store, key: ObjectRef) -> tuple[ObjectRef, ...]:
    """What an object was made from, has scores against, or has or had live, according to its record.

    Raises:
        NotFoundError: there is no such object.
        IntegrityError: its record can't be read.
    """
    try:
        return tuple(dict.fromkeys(_DEPENDENCIES[key.kind](store, key.id)))
    except (KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"the record of {key.kind} {key.id} does not say what it was made from: {error!r}"
        ) from None


def require_exists(store: Store, kind: str, object_id: str) -> None:
    """Check, after a reference to an object was written, that the object still exists.

    `gan gc` hides an object before it scans references, so one of the two always notices the other.

    Raises:
        NotFoundError: gc deleted it.
    """
    exists = store.exists(layout.record(object_id)) if kind == RUN else immutable.is_published(store, kind, object_id)
    if not exists:
        raise NotFoundError(
            f"gan gc deleted {kind} {object_id} just before it was used; make it again, then run this again"
        )


def _of_dataset(store: Store, dataset_id: str) -> Iterator[ObjectRef]:
    return iter(())


def _of_reference(store: Store, reference_id: str) -> Iterator[ObjectRef]:
    yield ObjectRef(DATASET, immutable.read_json(store, REFERENCE, reference_id, REFERENCE_RECORD)["dataset_id"])


def _of_run(store: Store, run_id: str) -> Iterator[ObjectRef]:
    yield ObjectRef(DATASET, read_checksummed(store, layout.record(run_id))["dataset_id"])
    yield from (ObjectRef(REFERENCE, evaluations.reference_of(key)) for key in evaluations.keys(store, run_id))


def _of_generator(store: Store, generator_id: str) -> Iterator[ObjectRef]:
    metadata = immutable.read_json(store, GENERATOR, generator_id, METADATA)
    yield ObjectRef(RUN, metadata["run_id"])
    yield ObjectRef(DATASET, metadata["dataset_id"])
    if metadata["reference_id"] is not None:
        yield ObjectRef(REFERENCE, metadata["reference_id"])


def _of_name(store: Store, name: str) -> Iterator[ObjectRef]:
    yield from (ObjectRef(GENERATOR, each.generator_id) for each in reversed(alias.read(store, name).history))


_DEPENDENCIES: dict[str, Callable[[Store, str], Iterator[ObjectRef]]] = {
    DATASET: _of_dataset,
    REFERENCE: _of_reference,
    RUN: _of_run,
    GENERATOR: _of_generator,
    NAME: _of_name,
}
