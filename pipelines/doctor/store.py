"""Checks of the store, with the operations of a run."""

from __future__ import annotations

import time
from collections.abc import Callable

from gan.errors import GanError, IntegrityError
from gan.store import Store, open_store
from gan.store.interface import PROBES
from gan.util.ids import sha256
from pipelines.doctor.check import DoctorCheck, run_in_order

PROBE = f"{PROBES}/doctor"
MOST_SKEW_SECONDS = 300.0


def examine_store(uri: str, *, clock: Callable[[], float] = time.time) -> list[DoctorCheck]:
    """Every check of the store at `uri`, in the order in which a run would fail.

    Args:
        uri: from `--store`.
        clock: this machine's seconds since 1970.
    """
    stores: list[Store] = []

    def open_it() -> str:
        stores.append(open_store(uri))
        return stores[0].uri

    checks: list[tuple[str, Callable[[], str]]] = [
        ("store opens", open_it),
        ("store lists", lambda: _list(stores[0])),
        ("store writes, reads and deletes", lambda: _write_and_read(stores[0])),
        ("store enforces conditions", lambda: _conditions(stores[0])),
        ("store's clock", lambda: _skew(stores[0], clock)),
    ]
    return run_in_order(checks)


def _list(store: Store) -> str:
    first = next(store.list("promoted"), None)
    return "nothing was ever promoted" if first is None else f"{first.key} is there"


def _write_and_read(store: Store) -> str:
    written = f"written by gan-pipelines doctor at {store.now()}".encode()
    store.write(PROBE, written)
    found = store.read(PROBE)
    store.delete(PROBE)
    if found != written:
        raise IntegrityError(
            f"{store.uri_of(PROBE)} was written with SHA-256 {sha256(written)} and read with {sha256(found)}; "
            "another doctor is running, or the storage is unreliable: try again"
        )
    return f"{len(written)} bytes there and back"


def _conditions(store: Store) -> str:
    store.require_conditions()
    return '"if absent" and "if unchanged" are enforced: of racing promotions one wins'


def _skew(store: Store, clock: Callable[[], float]) -> str:
    before = clock()
    there = store.now()
    after = clock()
    skew = max(before - there, there - after, 0.0)
    if skew > MOST_SKEW_SECONDS:
        raise GanError(
            f"the store's clock and this machine's differ by {skew:.0f} s, and at most {MOST_SKEW_SECONDS:.0f} s are "
            "safe: signed requests and time stamps go wrong; set this machine's clock by NTP"
        )
    return f"{skew:.1f} s apart"
