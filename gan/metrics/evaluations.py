"""The records of evaluations, as they stand in the store, one for each checkpoint and identity of its scores.

runs/<run_id>/evaluations/<step>-<reference_id>-<hash of the identity>.json
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gan.errors import IntegrityError, NotFoundError
from gan.ids import check_id, content_hash
from gan.metrics.identity import require_same
from gan.store import Store, runs
from gan.store.document import read_sealed, write_sealed
from gan.types import Json

REMEDY = "delete it and evaluate again with: gan evaluate"
KEYS = ("run_id", "step", "reference_id", "identity", "scores")


def key_of(run_id: str, step: int, reference_id: str, identity: Mapping[str, Any]) -> str:
    """Where the record of a checkpoint's scores of one identity (as JSON) lies."""
    name = f"{step:08d}-{check_id(reference_id, 'reference id')}-{content_hash(identity)}"
    return f"{runs.evaluations(run_id)}/{name}.json"


def write(store: Store, record: Json) -> None:
    """Write a record. Its scores keep the order of the metrics."""
    key = key_of(record["run_id"], record["step"], record["reference_id"], record["identity"])
    write_sealed(store, key, record)


def read(store: Store, run_id: str, step: int, reference_id: str, identity: Mapping[str, Any]) -> Json | None:
    """The record of a checkpoint's scores of one identity, or None.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        return read_key(store, key_of(run_id, step, reference_id, identity))
    except NotFoundError:
        return None


def read_all(store: Store, run_id: str) -> list[Json]:
    """Every record of a run, by step; empty where it was never evaluated.

    Raises:
        IntegrityError: one is damaged.
    """
    return [read_key(store, key) for key in keys(store, run_id)]


def keys(store: Store, run_id: str) -> list[str]:
    """The keys of a run's records, by step."""
    return [item.key for item in store.list(runs.evaluations(run_id)) if item.key.endswith(".json")]


def reference_of(key: str) -> str:
    """The reference that the record under a key holds scores against, by the key alone."""
    return key.rpartition("/")[2].partition("-")[2].rpartition("-")[0]


def read_key(store: Store, key: str) -> Json:
    """The record under a key; see `read`.

    Raises:
        NotFoundError: there is none.
        IntegrityError: it is damaged, or the record of something else.
    """
    record = read_sealed(store, key, keys=KEYS, remedy=REMEDY)
    own = key_of(record["run_id"], record["step"], record["reference_id"], record["identity"])
    if own != key:
        raise IntegrityError(f"{store.uri_of(key)} is damaged (it is the record of {own}); {REMEDY}")
    return record


def newest_first(records: Sequence[Json]) -> list[Json]:
    """Records by when they were made, as they say themselves; those that do not say come last.

    Clocks of hosts differ, so a record is dated with `date` below, never before one that was there.
    """
    return sorted(records, key=lambda record: str(record.get("evaluated_at", "")), reverse=True)


def date(records: Sequence[Json], now: datetime) -> str:
    """When a record is made that follows upon others of its run, ISO 8601 in UTC to the microsecond.

    That is `now`, or just after the newest of `records` where that is later by the clock of the host that made it.
    """
    newest = max((str(record.get("evaluated_at", "")) for record in records), default="")
    moment = now.isoformat(timespec="microseconds")
    if moment > newest:
        return moment
    return (datetime.fromisoformat(newest) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def best(records: Sequence[Json]) -> Json | None:
    """The record with the lowest FID, the earliest of equals; None where there is none.

    Raises:
        IdentityError: they were measured differently.
    """
    for record in records[1:]:
        require_same(
            records[0]["identity"],
            record["identity"],
            f"the scores of steps {records[0]['step']} and {record['step']} of run {record['run_id']}",
            "evaluate all checkpoints alike with: gan evaluate --checkpoint best; or name one with --checkpoint STEP",
        )
    return min(records, key=lambda record: (record["scores"]["fid"]["value"], record["step"]), default=None)
