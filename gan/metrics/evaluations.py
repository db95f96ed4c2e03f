"""The records of evaluations, as they stand in the store: runs/<run_id>/evaluations/<step>-<reference_id>.json."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence

from gan.errors import IntegrityError, NotFoundError
from gan.ids import check_id
from gan.metrics.identity import require_same
from gan.store import Store
from gan.types import Json


def key_of(run_id: str, step: int, reference_id: str) -> str:
    """Where the record of a checkpoint's scores lies."""
    return f"{_folder(run_id)}/{step:08d}-{check_id(reference_id, 'reference id')}.json"


def write(store: Store, record: Json) -> str:
    """Write a record and return its URI. Its scores keep the order of the metrics."""
    key = key_of(record["run_id"], record["step"], record["reference_id"])
    store.write(key, json.dumps(record, indent=2).encode())
    return store.uri_of(key)


def read(store: Store, run_id: str, step: int, reference_id: str) -> Json | None:
    """The record of a checkpoint's scores, or None.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        return _read(store, key_of(run_id, step, reference_id))
    except NotFoundError:
        return None


def read_all(store: Store, run_id: str) -> list[Json]:
    """Every record of a run, by step; empty where it was never evaluated.

    Raises:
        IntegrityError: one is damaged.
    """
    items = [item.key for item in store.list(_folder(run_id)) if item.key.endswith(".json")]
    return [_read(store, key) for key in items]


def best(records: Sequence[Json], steps: Container[int] | None = None) -> Json | None:
    """The record with the lowest FID, the earliest of equals; None where there is none.

    Args:
        records: as from `read_all`.
        steps: only these are considered, such as those whose checkpoint is still there; None: all.

    Raises:
        IdentityError: they were measured differently.
    """
    chosen = [record for record in records if steps is None or record["step"] in steps]
    for record in chosen[1:]:
        require_same(
            chosen[0]["identity"],
            record["identity"],
            f"the scores of steps {chosen[0]['step']} and {record['step']} of run {record['run_id']}",
            "evaluate all checkpoints alike with: gan evaluate --checkpoint best; or name one with --checkpoint STEP",
        )
    return min(chosen, key=lambda record: (record["scores"]["fid"]["value"], record["step"]), default=None)


def _folder(run_id: str) -> str:
    return f"runs/{check_id(run_id, 'run id')}/evaluations"


def _read(store: Store, key: str) -> Json:
    try:
        record = json.loads(store.read(key))
        if not {"run_id", "step", "reference_id", "identity", "scores"} <= record.keys():
            raise ValueError("a key is missing")
    except (ValueError, AttributeError) as error:
        raise IntegrityError(
            f"{store.uri_of(key)} is damaged ({error}); delete it and evaluate again with: gan evaluate"
        ) from None
    return dict(record)
