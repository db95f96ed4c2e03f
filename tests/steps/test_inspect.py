from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gan.errors import NotFoundError
from gan.steps.inspect import inspect
from gan.steps.promote import promote
from gan.store import Store, sealed


@pytest.fixture
def full(store: Store, tmp_path: Path, make_generator: Callable[..., str]) -> str:
    """A store with one object of each kind; returns the generator's id."""

    def sealed_json(kind: str, object_id: str, name: str, tree: object) -> None:
        file = tmp_path / f"{kind}-{name}"
        file.write_text(json.dumps(tree))
        sealed.publish(store, kind, object_id, {name: file})

    splits = {"train": {"examples": 1437}, "test": {"examples": 360}}
    sealed_json("dataset", "digits-1", "dataset.json", {"image_size": 16, "channels": 1, "splits": splits})
    network = {"name": "digits-cnn", "hash": "abcdef123456"}
    reference = {"dataset_id": "digits-1", "feature_network": network, "split": "test"}
    sealed_json("reference", "ref-1", "reference.json", reference)
    store.write("runs/r1/run.json", b'{"dataset_id": "digits-1"}')
    store.write("runs/r1/checkpoints/00000010/checkpoint.json", b"{}")
    evaluation = {
        "run_id": "r1",
        "step": 10,
        "reference_id": "ref-1",
        "label": "fid[digits-cnn:abcdef]",
        "scores": {"fid": {"value": 12.345, "low": 11.0, "high": 13.0}},
    }
    store.write("runs/r1/evaluations/00000010-ref-1.json", json.dumps(evaluation).encode())
    generator = make_generator("r1", verdict=True)
    promote(store, generator, "faces", now=lambda: "2026-01-01T00:00:00+00:00")
    return generator


def test_an_empty_store_says_how_to_fill_it(store: Store) -> None:
    assert "is empty; fill it with: gan preprocess" in inspect(store).details["tree"]


def test_the_listing(store: Store, full: str) -> None:
    assert inspect(store).details["tree"] == "\n".join(
        [
            "datasets",
            "  digits-1  16x16x1, 1437 train, 360 test",
            "references",
            "  ref-1  digits-cnn:abcdef, test split",
            "runs",
            "  r1  checkpoints: 10",
            "evaluations",
            "  r1@10/ref-1  fid[digits-cnn:abcdef] 12.35 (11 to 13)",
            "generators",
            f"  {full}  step 10",
            "promoted names",
            f"  faces  live: {full}, promote at 2026-01-01T00:00:00+00:00",
        ]
    )


def test_lineage_both_ways(store: Store, full: str) -> None:
    tree = inspect(store, full).details["tree"]
    assert tree.splitlines()[:8] == [
        f"generator {full}  step 10",
        "made from",
        "  └── evaluation r1@10/ref-1  fid[digits-cnn:abcdef] 12.35 (11 to 13)",
        "      ├── run r1  checkpoints: 10",
        "      │   └── dataset digits-1  16x16x1, 1437 train, 360 test",
        "      └── reference ref-1  digits-cnn:abcdef, test split",
        "          └── dataset digits-1  16x16x1, 1437 train, 360 test",
        "used by",
    ]
    assert "promoted name faces" in tree.splitlines()[-1]


def test_from_the_data_to_the_promotion(store: Store, full: str) -> None:
    outcome = inspect(store, "digits-1")
    assert {each["id"] for each in outcome.details["objects"]} == {
        "digits-1",
        "ref-1",
        "r1",
        "r1@10/ref-1",
        full,
        "faces",
    }
    assert "made from\n  nothing" in outcome.details["tree"]


def test_an_unknown_object_names_the_nearest(store: Store, full: str) -> None:
    with pytest.raises(NotFoundError, match='did you mean "digits-1"'):
        inspect(store, "digit-1")
