"""The evaluation records in the store, one per checkpoint and identity of its scores.

    runs/<run_id>/evaluations/<step>-<reference_id>-<hash of the identity>.json
    runs/<run_id>/evaluations/<the same>-<SHA-256>.safetensors    what each image contributes to the scores

The `purpose` in the identity distinguishes two kinds: selection records have the values by which checkpoints are
compared; final records have every score with its interval, and only these have contributions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gan.errors import IntegrityError, NotFoundError
from gan.metrics.identity import FINAL, require_same
from gan.store import Store, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.types import Json
from gan.util.ids import check_id, content_hash, sha256

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions

REMEDY = "delete it and evaluate again with: gan evaluate"
KEYS = ("run_id", "step", "reference_id", "identity", "scores")


def key_of(run_id: str, step: int, reference_id: str, identity: Mapping[str, Any]) -> str:
    """The key of the record of a checkpoint's scores with an identity (as JSON)."""
    name = f"{step:08d}-{check_id(reference_id, 'reference id')}-{content_hash(identity)}"
    return f"{layout.evaluations(run_id)}/{name}.json"


def write(store: Store, record: Json, contributions: Mapping[str, Contributions] | None = None) -> Json:
    """Write the contributions, then the record. The scores keep the order of the metrics.

    Returns:
        The record as written, with the SHA-256 of the contributions.
    """
    key = key_of(record["run_id"], record["step"], record["reference_id"], record["identity"])
    if contributions is not None:
        import numpy as np
        import safetensors.numpy

        tensors = {
            f"{name}/{side}": np.ascontiguousarray(getattr(each, side), np.float32)
            for name, each in contributions.items()
            for side in ("generated", "real")
        }
        data = safetensors.numpy.save(tensors)
        record = {**record, "contributions_sha256": sha256(data)}
        store.write(_contributions_key(record), data)
    write_checksummed(store, key, record)
    return record


def read_contributions(store: Store, record: Json) -> dict[str, Contributions]:
    """What each image contributes to each score of a final record that supports paired comparison.

    Raises:
        NotFoundError: the record has none: it is a selection record, or from an earlier version.
        IntegrityError: they are damaged or missing.
    """
    import numpy as np
    import safetensors.numpy

    from gan.metrics.maths.contributions import Contributions

    if "contributions_sha256" not in record:
        raise NotFoundError(
            f"the scores of step {record['step']} of run {record['run_id']} can't be compared; {REMEDY}"
        )
    key, expected = _contributions_key(record), record["contributions_sha256"]
    try:
        data = store.read(key)
    except NotFoundError:
        raise IntegrityError(f"{store.uri_of(key)} is missing; expected SHA-256 {expected}; {REMEDY}") from None
    if (found := sha256(data)) != expected:
        raise IntegrityError(f"{store.uri_of(key)} is damaged (expected SHA-256 {expected}, found {found}); {REMEDY}")
    tensors = safetensors.numpy.load(data)
    names = dict.fromkeys(name.rpartition("/")[0] for name in tensors)
    sides = ("generated", "real")
    return {name: Contributions(*(tensors[f"{name}/{side}"].astype(np.float64) for side in sides)) for name in names}


def _contributions_key(record: Json) -> str:
    """The name contains a hash of the content, so that a record never refers to the contributions of another one."""
    key = key_of(record["run_id"], record["step"], record["reference_id"], record["identity"])
    return f"{key.removesuffix('.json')}-{record['contributions_sha256'][:12]}.safetensors"


def purpose_of(record: Mapping[str, Any]) -> str:
    """The purpose of a record's scores; records of earlier versions are final."""
    return str(record["identity"].get("purpose", FINAL))


def read(store: Store, run_id: str, step: int, reference_id: str, identity: Mapping[str, Any]) -> Json | None:
    """The record of a checkpoint's scores with an identity, or None.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        return read_key(store, key_of(run_id, step, reference_id, identity))
    except NotFoundError:
        return None


def read_all(store: Store, run_id: str) -> list[Json]:
    """Every record of a run, by step; empty if it was never evaluated.

    Raises:
        IntegrityError: one is damaged.
    """
    return [read_key(store, key) for key in keys(store, run_id)]


def keys(store: Store, run_id: str) -> list[str]:
    """The keys of a run's records, by step."""
    return [item.key for item in store.list(layout.evaluations(run_id)) if item.key.endswith(".json")]


def reference_of(key: str) -> str:
    """The id of the reference of a record, from its key."""
    return key.rpartition("/")[2].partition("-")[2].rpartition("-")[0]


def read_key(store: Store, key: str) -> Json:
    """The record under a key.

    Raises:
        NotFoundError: there is none.
        IntegrityError: it is damaged, or belongs under another key.
    """
    record = read_checksummed(store, key, keys=KEYS, remedy=REMEDY)
    own = key_of(record["run_id"], record["step"], record["reference_id"], record["identity"])
    if own != key:
        raise IntegrityError(f"{store.uri_of(key)} is damaged (it is the record of {own}); {REMEDY}")
    return record


def newest_first(records: Sequence[Json]) -> list[Json]:
    """Records by their `evaluated_at`, the newest first; records without it come last.

    Clocks of hosts differ, so `date` gives a new record a later time than the existing ones.
    """
    return sorted(records, key=lambda record: str(record.get("evaluated_at", "")), reverse=True)


def date(records: Sequence[Json], now: datetime) -> str:
    """The `evaluated_at` of a new record of a run, ISO 8601 in UTC to the microsecond.

    This is `now`, or just after the newest of `records` if the clock of its host was ahead.
    """
    newest = max((str(record.get("evaluated_at", "")) for record in records), default="")
    moment = now.isoformat(timespec="microseconds")
    if moment > newest:
        return moment
    return (datetime.fromisoformat(newest) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def best(records: Sequence[Json]) -> Json | None:
    """The record with the lowest FID, the earliest of equals; None if there are no records.

    Only for selection records: the final scores of a record that was chosen by them would be biased.

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
