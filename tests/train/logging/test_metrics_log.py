from __future__ import annotations

import json

import pytest

from gan.errors import IntegrityError
from gan.store import Store
from gan.train.logging.metrics_log import MetricsLog, read_metrics


def test_lines_come_back_in_order_over_chunks(store: Store) -> None:
    log = MetricsLog("r", 1)
    chunks = {}
    for step in (50, 100, 150):
        log.add(step, {"generator_loss": step / 3})
        if step == 100:
            chunks |= log.take(101)
    chunks |= log.take(151)
    assert log.take(201) == {}
    assert list(chunks) == ["runs/r/metrics/00000001.jsonl", "runs/r/metrics/00000101.jsonl"]
    for key, chunk in chunks.items():
        store.write(key, chunk)
    lines = read_metrics(store, "r")
    assert [line["step"] for line in lines] == [50, 100, 150]
    assert lines[0]["generator_loss"] == 16.6667


def test_a_metric_that_is_not_finite_is_left_out() -> None:
    log = MetricsLog("r", 1)
    log.add(5, {"generator_loss": float("nan"), "kl": float("inf"), "seconds": 2.0})
    assert log.take(6) == {"runs/r/metrics/00000001.jsonl": b'{"step": 5, "seconds": 2.0}\n'}


def test_a_run_without_a_log_has_no_lines(store: Store) -> None:
    assert read_metrics(store, "r") == []


def test_damage_is_reported(store: Store) -> None:
    store.write("runs/r/metrics/00000001.jsonl", json.dumps({"step": 1}).encode() + b"\n{\xff")
    with pytest.raises(IntegrityError, match=r"00000001\.jsonl is damaged"):
        read_metrics(store, "r")
