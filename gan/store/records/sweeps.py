"""The records of sweeps, each checksummed.

    sweeps/<sweep_id>/stages/<stage>.json     the scheduled trials
    sweeps/<sweep_id>/results/<hash>.json     the result of one of them, by the hash of the trial

`gan.steps.sweep.experiment` defines trials; here they are JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from gan.store.document import read_checksummed, write_checksummed
from gan.store.interface import Store
from gan.types import Json
from gan.util.ids import check_id, content_hash

FOLDER = "sweeps"
REMEDY = "delete it; the sweep makes it again"


def folder(sweep_id: str) -> str:
    """The folder of a sweep."""
    return f"{FOLDER}/{check_id(sweep_id, 'the sweep')}"


def write_stage(store: Store, sweep_id: str, number: int, trials: Sequence[Json]) -> None:
    """Record the trials of a stage."""
    write_checksummed(store, _stage(sweep_id, number), {"trials": list(trials)})


def read_stage(store: Store, sweep_id: str, number: int) -> list[Json]:
    """The trials of a stage.

    Raises:
        NotFoundError: the stage was not scheduled.
        IntegrityError: its record is damaged.
    """
    trials: list[Json] = read_checksummed(store, _stage(sweep_id, number), keys=("trials",), remedy=REMEDY)["trials"]
    return trials


def write_result(store: Store, sweep_id: str, trial: Json, score: float, **more: str) -> None:
    """Record the result of a trial; the score is text, because JSON has no infinity."""
    write_checksummed(store, _result(sweep_id, trial), {**trial, **more, "score": str(score)})


def read_result(store: Store, sweep_id: str, trial: Json) -> Json:
    """The result of a trial, as `write_result` got it.

    Raises:
        NotFoundError: the trial has no result yet.
        IntegrityError: its record is damaged.
    """
    tree = read_checksummed(store, _result(sweep_id, trial), keys=("score",), remedy=REMEDY)
    return {**tree, "score": float(tree["score"])}


def check(store: Store, key: str) -> None:
    """Read the record under a key.

    Raises:
        NotFoundError: there is no such record.
        IntegrityError: it is damaged.
    """
    read_checksummed(store, key, remedy=REMEDY)


def _stage(sweep_id: str, number: int) -> str:
    return f"{folder(sweep_id)}/stages/{number:03d}.json"


def _result(sweep_id: str, trial: Json) -> str:
    return f"{folder(sweep_id)}/results/{content_hash(trial)}.json"
