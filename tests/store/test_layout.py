from __future__ import annotations

import pytest

from gan.errors import ConfigError
from gan.store import Store, layout


def test_where_everything_lies() -> None:
    assert [
        layout.config("r1"),
        layout.record("r1"),
        layout.attempts("r1"),
        layout.checkpoint("r1", 7, 2),
        layout.metrics_from("r1", 8),
        layout.events_from("r1", 8),
        layout.sample_grid("r1", 7),
        layout.evaluations("r1"),
        layout.verdict("r1", "faces"),
        layout.report("r1"),
    ] == [
        "runs/r1/config.yaml",
        "runs/r1/run.json",
        "runs/r1/attempts.json",
        "runs/r1/checkpoints/00000007-2",
        "runs/r1/metrics/00000008.jsonl",
        "runs/r1/tensorboard/events.out.tfevents.00000008",
        "runs/r1/samples/00000007.png",
        "runs/r1/evaluations",
        "runs/r1/verdicts/faces.json",
        "runs/r1/report.html",
    ]


def test_ids_that_would_leave_the_folder_are_refused() -> None:
    with pytest.raises(ConfigError, match="run id must be"):
        layout.folder("../generators")
    with pytest.raises(ConfigError, match="--name must be"):
        layout.verdict("r1", "a/b")


def test_a_run_is_what_has_a_record(store: Store) -> None:
    for key in ("r2/run.json", "r1/run.json", "r3/config.yaml", "r4/deep/run.json", "not an id/run.json", ".DS_Store"):
        store.write(f"runs/{key}", b"{}")
    assert layout.run_ids(store) == ["r1", "r2"]


def test_sample_sheets_are_in_the_order_of_steps(store: Store) -> None:
    for step in (1000, 20):
        store.write(layout.sample_grid("r1", step), b"")
    store.write("runs/r1/samples/.DS_Store", b"")
    assert layout.sample_grids(store, "r1") == ["runs/r1/samples/00000020.png", "runs/r1/samples/00001000.png"]
