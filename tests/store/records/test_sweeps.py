from __future__ import annotations

import math
from pathlib import Path

import pytest

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.store import LocalStore
from gan.store.records import sweeps
from gan.types import Json

TRIAL: Json = {"point": {"loss.name": "hinge"}, "seed": 1, "steps": 600}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_what_is_written_is_read(store: LocalStore) -> None:
    sweeps.write_stage(store, "digits-1", 2, [TRIAL])
    assert sweeps.read_stage(store, "digits-1", 2) == [TRIAL]
    sweeps.write_result(store, "digits-1", TRIAL, math.inf, run_id="r1", reason="a loss is not finite")
    told = {**TRIAL, "run_id": "r1", "reason": "a loss is not finite", "score": math.inf}
    assert sweeps.read_result(store, "digits-1", TRIAL) == told
    assert {item.key.rpartition("/")[0] for item in store.list()} == {
        "sweeps/digits-1/stages",
        "sweeps/digits-1/results",
    }


def test_missing_and_damaged_records_are_reported(store: LocalStore) -> None:
    with pytest.raises(NotFoundError):
        sweeps.read_stage(store, "digits-1", 0)
    with pytest.raises(NotFoundError):
        sweeps.read_result(store, "digits-1", TRIAL)
    sweeps.write_result(store, "digits-1", TRIAL, 1.5, run_id="r1")
    (item,) = store.list()
    store.write(item.key, store.read(item.key).replace(b"1.5", b"0.5"))
    with pytest.raises(IntegrityError, match="the sweep makes it again"):
        sweeps.read_result(store, "digits-1", TRIAL)


def test_an_id_that_is_no_folder_is_refused(store: LocalStore) -> None:
    with pytest.raises(ConfigError, match="the sweep must be 1 to 100 letters"):
        sweeps.read_stage(store, "../runs", 0)
