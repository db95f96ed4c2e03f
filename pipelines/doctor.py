"""`gan-pipelines doctor`: does what a run will need work, and if not, what is to be done?

Each check tries the very thing that a run does. A check whose ground has failed is not tried, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from gan.errors import GanError, IntegrityError
from gan.ids import sha256
from gan.store import Store, open_store
from gan.types import Json

PROBE = ".probes/doctor"
MOST_SKEW_SECONDS = 300.0


@dataclass(frozen=True)
class Check:
    """What one check found. `ok` is None where it was not tried."""

    name: str
    ok: bool | None
    found: str

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


def examine_store(uri: str, *, clock: Callable[[], float] = time.time) -> list[Check]:
    """Every check of the store at `uri`, in the order in which a run would trip over them.

    Args:
        uri: what `--store` gives.
        clock: this machine's seconds since 1970.
    """
    stores: list[Store] = []

    def open_it() -> str:
        stores.append(open_store(uri))
        return stores[0].uri

    checks = [_tried("store opens", open_it)]
    trials: list[tuple[str, Callable[[Store], str]]] = [
        ("store lists", _list),
        ("store writes, reads and deletes", _write_and_read),
        ("store enforces conditions", _conditions),
        ("store's clock", lambda store: _skew(store, clock)),
    ]
    for name, trial in trials:
        if all(check.ok for check in checks):
            checks.append(_tried(name, lambda trial=trial: trial(stores[0])))  # type: ignore[misc]
        else:
            checks.append(Check(name, None, "not tried"))
    return checks


def _tried(name: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(name, True, trial())
    except GanError as error:
        return Check(name, False, str(error))


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
            "another doctor at work just now, or storage that can't be trusted: try again"
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
