"""Delete what no run, generator or promotion refers to, and what killed processes left.

Whoever is about to refer to an object may do so at any moment, so an object goes in steps. Its seal is put aside, which
takes it from readers. Then all references are looked at once more: if there is a new one, the seal is put back. Else
the seal that was put aside goes, and the files after it. Whoever makes a reference looks afterwards whether its object
is still there, so that one of the two sees the other. A killed gc leaves seals put aside; the next one puts them back.
What is being published again just then either stays as it is or goes as a whole, its seal included.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from gan.admin.gc_scan import HOUR, TOMBSTONE, GcCandidate, GcScan, Rules, by_object, dependents_first, marker_key
from gan.errors import AlreadyExistsError, ConflictError
from gan.lineage import ObjectRef
from gan.result import StepResult, Stopwatch
from gan.store import IncompleteUpload, Store
from gan.util.log import Advance, progress, warn

LOCK_KEY = ".gc/at-work"


def gc(store: Store, rules: Rules | None = None, *, delete: bool = False) -> StepResult:
    """Find what nothing needs, and delete it if asked.

    A record that can't be read may refer to anything older in its lineage, so nothing of that goes while there is one.

    Args:
        store: the store.
        rules: what stays; None: the defaults.
        delete: else nothing is changed.

    Returns:
        The store's URI; details: `deleted` (whether), `trash` (kind, id, why, bytes and objects of each), `bytes` in
        all, and `unreadable` (a sentence for each record that can't be read).

    Raises:
        ConflictError: another gc is at work.
    """
    watch = Stopwatch()
    rules = rules or Rules()
    with _locked(store, rules) if delete else contextlib.nullcontext():
        if delete:
            _restore_hidden_objects(store)
        now = store.now()
        survey = GcScan(store, rules, now)
        if delete:
            trash = _delete(store, rules, now, survey)
        else:
            trash = [*survey.objects(), *survey.notes_of_nothing(), *survey.loose()]
    listed = [each.to_json() for each in trash]
    total = sum(each["bytes"] for each in listed)
    details = {"deleted": delete, "trash": listed, "bytes": total, "unreadable": survey.unreadable}
    return StepResult("store", store.uri, watch.seconds(), details=details)


@contextlib.contextmanager
def _locked(store: Store, rules: Rules) -> Iterator[None]:
    """Of two gcs each would take what the other put aside for the remains of a killed publish."""
    now = store.now()
    for mark in store.list(LOCK_KEY.rpartition("/")[0]):
        if now - mark.modified < min(HOUR, rules.grace_seconds):
            raise _locked_by_another(store)
        store.delete(mark.key)
    try:
        store.write(LOCK_KEY, b"", if_absent=True)
    except AlreadyExistsError:
        raise _locked_by_another(store) from None
    try:
        yield
    finally:
        store.delete(LOCK_KEY)


def _locked_by_another(store: Store) -> ConflictError:
    return ConflictError(
        f"another gan gc is at work in {store.uri}, or was killed less than an hour ago: {store.uri_of(LOCK_KEY)} is "
        "there. Try again in an hour"
    )


def _delete(store: Store, rules: Rules, now: float, survey: GcScan) -> list[GcCandidate]:
    """Delete; returns what was deleted. What nothing can refer to goes first, which makes room on a full disk."""
    loose = survey.loose()
    with progress("delete", len(survey.unneeded) + len(loose), unit="objects") as advance:
        _delete_all(store, loose, advance)
        doomed = dependents_first(survey.unneeded)
        whole = {key: survey.things[key] for key in doomed if survey.things[key].whole}
        for key in whole:
            _hide(store, marker_key(key))
        again = GcScan(store, rules, now, aside=whole)
        for key in whole.keys() - again.unneeded:
            warn(f"{key.kind} {key.id} is needed now; it stays")
            _restore(store, marker_key(key) + TOMBSTONE)
        gone = set()
        for key in [key for key in doomed if key in again.unneeded]:
            if _delete_object(store, key):
                gone.add(key)
            advance(1)
        again.unneeded = frozenset(gone)
        notes = again.notes_of_nothing()
        _delete_all(store, notes, advance)
    return [*again.objects(), *notes, *loose]


def _delete_all(store: Store, trash: Iterable[GcCandidate], advance: Advance) -> None:
    """A checkpoint's record sorts before its state, and goes first."""
    for each in trash:
        for part in each.parts:
            if isinstance(part, IncompleteUpload):
                store.discard(part)
            else:
                store.delete(part.key)
        advance(1)


def _delete_object(store: Store, key: ObjectRef) -> bool:
    """Delete what has no seal, unless somebody finished it since; returns whether it is gone."""
    seal = marker_key(key)
    parts = list(store.list(seal.rpartition("/")[0]))
    if seal in {part.key for part in parts}:
        warn(f"{key.kind} {key.id} was made again just now; it stays")
        store.delete(seal + TOMBSTONE)
        return False
    store.delete(seal + TOMBSTONE)  # first: the next gc would put it back
    for part in parts:
        store.delete(part.key)
    store.delete(seal)  # of whoever found all files still there, and has written it since
    return True


def _hide(store: Store, seal: str) -> None:
    store.write(seal + TOMBSTONE, store.read(seal))
    store.delete(seal)


def _restore(store: Store, aside: str) -> None:
    with contextlib.suppress(AlreadyExistsError):
        store.write(aside.removesuffix(TOMBSTONE), store.read(aside), if_absent=True)
    store.delete(aside)


def _restore_hidden_objects(store: Store) -> None:
    for key, parts in by_object(store.list()).items():
        aside = marker_key(key) + TOMBSTONE
        if aside in {part.key for part in parts}:
            warn(f"a killed gc put {key.kind} {key.id} aside; it is put back")
            _restore(store, aside)
