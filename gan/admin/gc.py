"""Delete what no run, generator or promotion refers to, and what killed processes left.

Others may refer to an object at any moment, so deletion is two-phase. An object is first hidden by renaming its marker
file (SHA256SUMS, or run.json of a run), then references are scanned again: if a new one appeared, the marker file is
restored, else the object is deleted. Writers check that the target still exists after they add a reference, so one side
always notices the race. A gc that was killed leaves hidden objects; the next one restores them. What is being published
again at that moment either stays untouched or is deleted whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from gan.admin.gc_scan import HOUR, TOMBSTONE, GcCandidate, GcScan, Rules, by_object, dependents_first, marker_key
from gan.errors import AlreadyExistsError, ConflictError
from gan.lineage import ObjectRef
from gan.result import StepResult, Stopwatch
from gan.store import IncompleteUpload, Store
from gan.util import log
from gan.util.log import Advance

LOCK_KEY = ".gc/at-work"


def gc(store: Store, rules: Rules | None = None, *, delete: bool = False) -> StepResult:
    """Find what nothing needs, and delete it if asked.

    A record that can't be read may refer to anything earlier in its lineage, so all of that stays.

    Args:
        store: the store.
        rules: what stays; None: the defaults.
        delete: whether to delete; False changes nothing.

    Returns:
        The store's URI; details: `deleted` (whether), `trash` (kind, id, why, bytes and objects of each), total
        `bytes`, and `unreadable` (a sentence for each record that can't be read).

    Raises:
        ConflictError: another gc is running.
    """
    watch = Stopwatch()
    rules = rules or Rules()
    with _locked(store, rules) if delete else contextlib.nullcontext():
        if delete:
            _restore_hidden_objects(store)
        now = store.now()
        scan = GcScan(store, rules, now)
        if delete:
            candidates = _delete(store, rules, now, scan)
        else:
            candidates = [*scan.unreachable_objects(), *scan.stale_cache_entries(), *scan.dangling()]
    listed = [each.to_json() for each in candidates]
    total = sum(each["bytes"] for each in listed)
    details = {"deleted": delete, "trash": listed, "bytes": total, "unreadable": scan.unreadable}
    return StepResult("store", store.uri, watch.seconds(), details=details)


@contextlib.contextmanager
def _locked(store: Store, rules: Rules) -> Iterator[None]:
    """Keep a second gc out: it would take what this one hides for an unfinished publish."""
    now = store.now()
    for lock in store.list(LOCK_KEY.rpartition("/")[0]):
        if now - lock.modified < min(HOUR, rules.grace_seconds):
            raise _locked_by_another(store)
        store.delete(lock.key)
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
        f"another gan gc is running in {store.uri}, or was killed less than an hour ago: {store.uri_of(LOCK_KEY)} "
        "exists. Try again in an hour"
    )


def _delete(store: Store, rules: Rules, now: float, scan: GcScan) -> list[GcCandidate]:
    """Delete; returns what was deleted. What nothing can refer to goes first, which makes room on a full disk."""
    dangling = scan.dangling()
    with log.progress("delete", len(scan.unreachable) + len(dangling), unit="objects") as advance:
        _delete_all(store, dangling, advance)
        keys = dependents_first(scan.unreachable)
        hidden = {key: scan.objects[key] for key in keys if scan.objects[key].complete}
        for key in hidden:
            _hide(store, marker_key(key))
        again = GcScan(store, rules, now, hidden=hidden)
        for key in hidden.keys() - again.unreachable:
            log.warning(f"{key.kind} {key.id} is needed now; it stays")
            _restore(store, marker_key(key) + TOMBSTONE)
        deleted = set()
        for key in [key for key in keys if key in again.unreachable]:
            if _delete_object(store, key):
                deleted.add(key)
            advance(1)
        again.unreachable = frozenset(deleted)
        stale = again.stale_cache_entries()
        _delete_all(store, stale, advance)
    return [*again.unreachable_objects(), *stale, *dangling]


def _delete_all(store: Store, candidates: Iterable[GcCandidate], advance: Advance) -> None:
    """A checkpoint's record sorts before its state, and is deleted first."""
    for each in candidates:
        for part in each.parts:
            if isinstance(part, IncompleteUpload):
                store.abort_upload(part)
            else:
                store.delete(part.key)
        advance(1)


def _delete_object(store: Store, key: ObjectRef) -> bool:
    """Delete a hidden or incomplete object, unless somebody published it since; returns whether it was deleted."""
    marker = marker_key(key)
    parts = list(store.list(marker.rpartition("/")[0]))
    if marker in {part.key for part in parts}:
        log.warning(f"{key.kind} {key.id} was published again just now; it stays")
        store.delete(marker + TOMBSTONE)
        return False
    store.delete(marker + TOMBSTONE)  # first: the next gc would restore it
    for part in parts:
        store.delete(part.key)
    store.delete(marker)  # a publisher that still found all files may have written it since
    return True


def _hide(store: Store, marker: str) -> None:
    store.write(marker + TOMBSTONE, store.read(marker))
    store.delete(marker)


def _restore(store: Store, tombstone: str) -> None:
    with contextlib.suppress(AlreadyExistsError):
        store.write(tombstone.removesuffix(TOMBSTONE), store.read(tombstone), if_absent=True)
    store.delete(tombstone)


def _restore_hidden_objects(store: Store) -> None:
    for key, parts in by_object(store.list()).items():
        tombstone = marker_key(key) + TOMBSTONE
        if tombstone in {part.key for part in parts}:
            log.warning(f"a gc that was killed hid {key.kind} {key.id}; it is restored")
            _restore(store, tombstone)
