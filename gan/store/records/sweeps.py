"""The records of sweeps, each sealed.

    sweeps/<sweep_id>/stages/<stage>.json     the trials that were handed out
    sweeps/<sweep_id>/results/<hash>.json     how one of them ended, by the hash of the trial

What a trial is, `gan.steps.sweep.experiment` says; here it is JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from gan.store.document import read_checksummed, write_checksummed
from gan.store.interface import Store
from gan.types import Json
from gan.util.ids import check_id, content_hash

FOLDER = "sweeps"
REMEDY = "delete it; the sweep then makes it again"


def folder(sweep_id: str) -> str:
    """Everything of a sweep."""
    return f"{FOLDER}/{check_id(sweep_id, 'the sweep')}"


def write_stage(store: Store, sweep_id: str, number: int, trials: Sequence[Json]) -> None:
    """Put the trials of a stage on record."""
    write_checksummed(store, _stage(sweep_id, number), {"trials": list(trials)})


def read_stage(store: Store, sweep_id: str, number: int) -> list[Json]:
    """The trials of a stage.

    Raises:
        NotFoundError: it was not handed out.
        IntegrityError: its record is damaged.
    """
    trials: list[Json] = read_checksummed(store, _stage(sweep_id, number), keys=("trials",), remedy=REMEDY)["trials"]
    return trials


def write_result(store: Store, sweep_id: str, trial: Json, score: float, **more: str) -> None:
    """Put on record how a trial ended; a score that is infinite is written as text, as JSON has no word for it."""
    write_checksummed(store, _result(sweep_id, trial), {**trial, **more, "score": str(score)})


def read_result(store: Store, sweep_id: str, trial: Json) -> Json:
    """How a trial ended: what `write_result` was given.

    Raises:
        NotFoundError: it has not ended.
        IntegrityError: its record is damaged.
    """
    tree = read_checksummed(store, _result(sweep_id, trial), keys=("score",), remedy=REMEDY)
    return {**tree, "score": float(tree["score"])}


def check(store: Store, key: str) -> None:
    """Read the record under a key.

    Raises:
        NotFoundError: there is none.
        IntegrityError: it is damaged.
    """
    read_checksummed(store, key, remedy=REMEDY)


def _stage(sweep_id: str, number: int) -> str:
    return f"{folder(sweep_id)}/stages/{number:03d}.json"


def _result(sweep_id: str, trial: Json) -> str:
    return f"{folder(sweep_id)}/results/{content_hash(trial)}.json"
