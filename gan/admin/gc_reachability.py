"""What of a store nothing needs any more: the decision alone, which reads and deletes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gan.lineage import GENERATOR, KINDS, NAME, REFERENCE, RUN, ObjectRef


@dataclass(frozen=True)
class StoreObject:
    """An object of a store.

    Attributes:
        key: kind and id.
        modified: when anything of it was last written, in seconds by the storage's clock.
        whole: it is there for readers; else the remains of a killed publish.
        needs: what it refers to; None where its record can't be read.
    """

    key: ObjectRef
    modified: float
    whole: bool = True
    needs: tuple[ObjectRef, ...] | None = ()


def unreachable(
    things: Iterable[StoreObject], *, noted: Collection[ObjectRef] = (), young: float, idle: float | None = None
) -> frozenset[ObjectRef]:
    """The things that may be deleted.

    Whole runs, generators and promoted names stay, with all that they need, and all that those need. So does what was
    modified lately, and what it needs. While a run is at work, the references of its dataset wait to judge it.

    Args:
        things: everything that there is.
        noted: what a run may be about to refer to.
        young: what was modified at this moment or later stays.
        idle: runs that were last modified before this moment go, their generators included, unless one of these is or
            was live under a name; None for no such rule.
    """
    known = {thing.key: thing for thing in things}
    safe = {key for key, thing in known.items() if key in noted or thing.modified >= young}
    safe |= _references_of_active_runs(known, safe)
    hidden = _possibly_needed([thing for thing in known.values() if thing.needs is None])
    safe |= {key for key in known if key.kind in hidden}
    resting = set() if idle is None else _expired(known, safe, idle)
    roots = {
        key for key, thing in known.items() if thing.whole and key.kind in (RUN, GENERATOR, NAME) and key not in resting
    }
    return frozenset(known.keys() - _reachable(known, safe | roots))


def _references_of_active_runs(known: Mapping[ObjectRef, StoreObject], safe: Collection[ObjectRef]) -> set[ObjectRef]:
    """The references of the datasets that runs at work train on: these may take longer than any grace."""
    datasets = {need for key in safe if key in known and key.kind == RUN for need in known[key].needs or ()}
    return {key for key, thing in known.items() if key.kind == REFERENCE and datasets & set(thing.needs or ())}


def _possibly_needed(unreadable: Iterable[StoreObject]) -> set[str]:
    """The kinds of everything that things whose record can't be read may need; each kind needs earlier ones only."""
    return {kind for thing in unreadable for kind in KINDS[: KINDS.index(thing.key.kind)]}


def _expired(known: Mapping[ObjectRef, StoreObject], safe: Collection[ObjectRef], idle: float) -> set[ObjectRef]:
    """Whole runs that did nothing for long, each with its generators, where none of these is safe or was ever live."""
    ever_live = {need for key, thing in known.items() if key.kind == NAME for need in thing.needs or ()}
    families = {
        key: {key, *(other for other, thing in known.items() if other.kind == GENERATOR and key in (thing.needs or ()))}
        for key, thing in known.items()
        if key.kind == RUN and thing.whole and thing.needs is not None
    }
    return {
        member
        for family in families.values()
        if not any(each in safe or each in ever_live or known[each].modified >= idle for each in family)
        for member in family
    }


def _reachable(known: Mapping[ObjectRef, StoreObject], roots: Collection[ObjectRef]) -> set[ObjectRef]:
    """The roots and all that they need, directly or not."""
    reached: set[ObjectRef] = set()
    left = list(roots)
    while left:
        key = left.pop()
        if key in known and key not in reached:
            reached.add(key)
            left += known[key].needs or ()
    return reached
