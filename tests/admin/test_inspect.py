from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gan.admin.inspect import inspect
from gan.errors import NotFoundError
from gan.metrics import evaluations
from gan.steps.promote import promote
from gan.store import Store, immutable
from gan.store.document import write_checksummed
from gan.util.ids import content_hash, sha256

RUN = {"dataset_id": "digits-1", "config_hash": "c0ffee"}
NETWORK = {"name": "digits-cnn", "hash": "abcdef123456"}
REFERENCE_JSON = json.dumps(
    {"dataset_id": "digits-1", "feature_network": NETWORK, "splits": {"final": "test"}}
).encode()
REFERENCE_SEAL = f"{sha256(REFERENCE_JSON)}  reference.json\n".encode()
REFERENCE = f"ref-{sha256(REFERENCE_SEAL)[:12]}"
EVALUATION = f"r1@10/{REFERENCE}-{content_hash({'samples': 100})}"


@pytest.fixture
def full(store: Store, tmp_path: Path, make_generator: Callable[..., str]) -> str:
    """A store with one object of each kind; returns the generator's id."""

    def publish(kind: str, object_id: str, name: str, data: bytes) -> None:
        file = tmp_path / f"{kind}-{name}"
        file.write_bytes(data)
        immutable.publish(store, kind, object_id, {name: file})

    splits = {"train": {"examples": 1437}, "test": {"examples": 360}}
    dataset = {"image_size": 16, "channels": 1, "splits": splits}
    publish("dataset", "digits-1", "dataset.json", json.dumps(dataset).encode())
    publish("reference", REFERENCE, "reference.json", REFERENCE_JSON)
    write_checksummed(store, "runs/r1/run.json", RUN)
    checkpoint = {"format": 1, "step": 10, "sha256": "0123456789abcdef"}
    write_checksummed(store, "runs/r1/checkpoints/00000010-1/checkpoint.json", checkpoint)
    evaluation = {
        "run_id": "r1",
        "step": 10,
        "reference_id": REFERENCE,
        "identity": {"samples": 100},
        "label": "fid[digits-cnn:abcdef]",
        "scores": {"fid": {"value": 12.345, "low": 11.0, "high": 13.0}},
    }
    evaluations.write(store, evaluation)
    generator = make_generator("r1", verdict=True, reference_id=REFERENCE)
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
            f"  {REFERENCE}  digits-cnn:abcdef, test split",
            "runs",
            "  r1  config c0ffee",
            "checkpoints",
            "  r1@10  state 0123456789ab",
            "evaluations",
            f"  {EVALUATION}  fid[digits-cnn:abcdef] 12.35 (11 to 13)",
            "generators",
            f"  {full}  step 10",
            "promoted names",
            f"  faces  live: {full}, promote at 2026-01-01T00:00:00+00:00",
        ]
    )


def test_lineage_both_ways(store: Store, full: str) -> None:
    tree = inspect(store, full).details["tree"]
    assert tree.splitlines()[:9] == [
        f"generator {full}  step 10",
        "made from",
        f"  └── evaluation {EVALUATION}  fid[digits-cnn:abcdef] 12.35 (11 to 13)",
        "      ├── checkpoint r1@10  state 0123456789ab",
        "      │   └── run r1  config c0ffee",
        "      │       └── dataset digits-1  16x16x1, 1437 train, 360 test",
        f"      └── reference {REFERENCE}  digits-cnn:abcdef, test split",
        "          └── dataset digits-1  16x16x1, 1437 train, 360 test",
        "used by",
    ]
    assert "promoted name faces" in tree.splitlines()[-1]


def test_from_the_data_to_the_promotion(store: Store, full: str) -> None:
    result = inspect(store, "digits-1")
    assert {each["id"] for each in result.details["objects"]} == {
        "digits-1",
        REFERENCE,
        "r1",
        "r1@10",
        EVALUATION,
        full,
        "faces",
    }
    assert "made from\n  nothing" in result.details["tree"]


def test_an_unknown_object_names_the_nearest(store: Store, full: str) -> None:
    with pytest.raises(NotFoundError, match='did you mean "digits-1"'):
        inspect(store, "digit-1")


def test_the_generator_of_a_deleted_evaluation_is_of_its_run(store: Store, full: str) -> None:
    store.delete(evaluations.key_of("r1", 10, REFERENCE, {"samples": 100}))
    assert inspect(store, full).details["tree"].splitlines()[2] == "  └── checkpoint r1@10  state 0123456789ab"


def test_a_run_and_a_name_of_one_id_are_both_shown(store: Store, full: str) -> None:
    write_checksummed(store, "runs/faces/run.json", RUN)
    tree = inspect(store, "faces").details["tree"]
    run, name = tree.split("\n\n")
    assert run.splitlines()[:3] == [
        "run faces  config c0ffee",
        "made from",
        "  └── dataset digits-1  16x16x1, 1437 train, 360 test",
    ]
    assert name.startswith(f"promoted name faces  live: {full}")
    both = [each["kind"] for each in inspect(store).details["objects"] if each["id"] == "faces"]
    assert both == ["run", "promoted name"]


def test_a_name_that_is_its_runs_id_makes_no_circle(store: Store, make_generator: Callable[..., str]) -> None:
    write_checksummed(store, "runs/digits/run.json", RUN)
    generator = make_generator("digits", verdict=True, name="digits")
    promote(store, generator, "digits")
    tree = inspect(store, "digits").details["tree"]
    assert tree.count("promoted name digits") == 2, "below the run, and for itself"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("datasets/digits-1/dataset.json", "digits-1  damaged; see: gan verify digits-1"),
        (
            f"references/{REFERENCE}/reference.json",
            f"{REFERENCE}  damaged; see: gan verify {REFERENCE}",
        ),
        ("runs/r1/run.json", "r1  damaged; see: gan verify r1"),
        ("generators/{full}/generator.json", "{full}  damaged; see: gan verify {full}"),
        ("generators/{full}/SHA256SUMS", "{full}  damaged; see: gan verify {full}"),
        ("promoted/faces.json", "faces  damaged; see: gan verify faces"),
        ("evaluation", "{evaluation}  damaged; see: gan verify r1"),
    ],
)
def test_what_is_damaged_is_shown_as_such_beside_the_rest(store: Store, full: str, key: str, shown: str) -> None:
    where = evaluations.key_of("r1", 10, REFERENCE, {"samples": 100}) if key == "evaluation" else key.format(full=full)
    store.write(where, b"{}")
    lines = inspect(store).details["tree"].splitlines()
    assert f"  {shown.format(full=full, evaluation=EVALUATION)}" in lines
    assert len([line for line in lines if "damaged" in line]) == 1
    assert len(lines) == 14


def test_stray_files_are_skipped(store: Store, full: str) -> None:
    before = inspect(store).details["tree"]
    for folder in (
        "promoted",
        "runs",
        "runs/r1",
        "runs/r1/checkpoints",
        "runs/r1/evaluations",
        "generators",
        "datasets",
    ):
        store.write(f"{folder}/.DS_Store", b"\0")
    assert inspect(store).details["tree"] == before


def test_a_name_shows_every_generator_that_was_ever_live(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True, reference_id=REFERENCE)
    promote(store, first, "faces")
    second = make_generator("r2", verdict=True, against=first)
    promote(store, second, "faces")
    tree = inspect(store, "faces").details["tree"].splitlines()
    assert [line.split()[2] for line in tree if "── generator" in line] == [second, first]
    assert any("promoted name faces" in line for line in inspect(store, first).details["tree"].splitlines())
