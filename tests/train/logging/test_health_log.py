from __future__ import annotations

from pathlib import Path

import pytest

from gan.errors import IntegrityError
from gan.store import Store, layout, open_store
from gan.train.logging.health_log import HealthLog, read_health
from gan.train.logging.recorder import Recorder, forget_after


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def check(step: int) -> dict[str, object]:
    return {"step": step, "verdict": "healthy", "findings": [], "signals": {}}


def test_checks_are_read_in_order_and_forgotten_after_a_resume(store: Store, tmp_path: Path) -> None:
    with Recorder("r", 0, tmp_path) as recorder:
        for last in (4, 8):
            recorder.record_metrics(last, {"generator_loss": 1.0})
            recorder.record_health(check(last - 2))
            recorder.record_health(check(last))
            for key, path in recorder.take(last).items():
                store.write(key, path.read_bytes())
    assert [each["step"] for each in read_health(store, "r")] == [2, 4, 6, 8]
    forget_after(store, "r", 4)
    assert [each["step"] for each in read_health(store, "r")] == [2, 4]


def test_an_interval_without_checks_has_no_file() -> None:
    log = HealthLog("r", 1)
    assert log.take(5) == {}
    log.add(check(6))
    assert list(log.take(9)) == [layout.health_from("r", 5)]


def test_a_damaged_chunk_is_found(store: Store) -> None:
    store.write(layout.health_from("r", 1), b"{")
    with pytest.raises(IntegrityError, match=r"00000001\.jsonl is damaged: not JSON lines"):
        read_health(store, "r")
