"""Which objects of a store nothing needs any more: the decision alone, without reading or deleting anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gan.lineage import GENERATOR, KINDS, NAME, REFERENCE, RUN, ObjectRef


@dataclass(frozen=True)
class StoreObject:
    """An object of a store.

    Attributes:
        key: kind and id.
        modified: when any of its files was last written, in seconds by the storage's clock.
        complete: readers see it; False for what a killed publish left.
        dependencies: what it refers to; None where its record can't be read.
    """

    key: ObjectRef
    modified: float
    complete: bool = True
    dependencies: tuple[ObjectRef, ...] | None = ()


def unreachable(
    objects: Iterable[StoreObject],
    *,
    pinned: Collection[ObjectRef] = (),
    newer_than: float,
    inactive_since: float | None = None,
) -> frozenset[ObjectRef]:
    """The objects that may be deleted.

    Complete runs, generators and promoted names stay, with everything that they depend on, directly or not. So does
    what was modified recently, with its dependencies. The references of a dataset stay while a run trains on it.

    Args:
        objects: every object of the store.
        pinned: objects that a run may be about to refer to.
        newer_than: what was modified at this moment or later stays.
        inactive_since: runs last modified before this moment go, with their generators, unless one of these is or was
            live under a name; None: no run goes for its age.
    """
    known = {each.key: each for each in objects}
    kept = {key for key, each in known.items() if key in pinned or each.modified >= newer_than}
    kept |= _references_of_active_runs(known, kept)
    possibly_needed = _possibly_needed_kinds([each for each in known.values() if each.dependencies is None])
    kept |= {key for key in known if key.kind in possibly_needed}
    expired = set() if inactive_since is None else _expired(known, kept, inactive_since)
    roots = {
        key
        for key, each in known.items()
        if each.complete and key.kind in (RUN, GENERATOR, NAME) and key not in expired
    }
    return frozenset(known.keys() - _reachable(known, kept | roots))


def _references_of_active_runs(known: Mapping[ObjectRef, StoreObject], kept: Collection[ObjectRef]) -> set[ObjectRef]:
    """The references of the datasets that active runs train on: training may take longer than any grace period."""
    datasets = {need for key in kept if key in known and key.kind == RUN for need in known[key].dependencies or ()}
    return {key for key, each in known.items() if key.kind == REFERENCE and datasets & set(each.dependencies or ())}


def _possibly_needed_kinds(unreadable: Iterable[StoreObject]) -> set[str]:
    """The kinds that objects with an unreadable record may depend on; each kind depends on earlier ones only."""
    return {kind for each in unreadable for kind in KINDS[: KINDS.index(each.key.kind)]}


def _expired(
    known: Mapping[ObjectRef, StoreObject], kept: Collection[ObjectRef], inactive_since: float
) -> set[ObjectRef]:
    """Long-inactive complete runs with their generators, where none of these is kept or was ever live."""
    ever_live = {need for key, each in known.items() if key.kind == NAME for need in each.dependencies or ()}
    families: dict[ObjectRef, set[ObjectRef]] = {
        key: {key} for key, each in known.items() if key.kind == RUN and each.complete and each.dependencies is not None
    }
    for key, each in known.items():
        if key.kind == GENERATOR:
            for need in families.keys() & set(each.dependencies or ()):
                families[need].add(key)
    return {
        member
        for family in families.values()
        if not any(each in kept or each in ever_live or known[each].modified >= inactive_since for each in family)
        for member in family
    }


def _reachable(known: Mapping[ObjectRef, StoreObject], roots: Collection[ObjectRef]) -> set[ObjectRef]:
    """The roots and everything that they depend on, directly or not."""
    reached: set[ObjectRef] = set()
    left = list(roots)
    while left:
        key = left.pop()
        if key in known and key not in reached:
            reached.add(key)
            left += known[key].dependencies or ()
    return reached
