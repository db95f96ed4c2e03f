from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan.admin.verify import verify
from gan.config import Config
from gan.data.spec import Dataset, Shard, Split, with_id
from gan.errors import NotFoundError
from gan.export import directions
from gan.export.directions import Direction, Directions
from gan.steps.promote import promote
from gan.store import Store, immutable, layout
from gan.store.records import executions, sweeps
from gan.store.records.executions import ExecutionAttempt
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import Run, write_run
from gan.util.ids import sha256


def add_run(store: Store, run_id: str) -> str:
    """A run with one checkpoint, of step 10; returns the SHA-256 of its state."""
    write_run(store, Run(run_id, "digits-1", Config()))
    return Checkpoints(store, run_id).save(10, {"ema/0000": np.arange(3, dtype=np.float32)}, {})


def add_dataset(store: Store, folder: Path) -> str:
    shard = folder / "train-00000.tfrecord"
    shard.write_bytes(b"images")
    manifest = folder / "manifest.parquet"
    manifest.write_bytes(b"rows")
    shards = (Shard(shard.name, 3, 6, sha256(b"images")),)
    dataset = with_id(Dataset("", "folder", None, 8, 1, None, "area", (), (), {"train": Split(3, shards)}))
    description = folder / "dataset.json"
    description.write_text(json.dumps(dataset.to_json()))
    files = {path.name: path for path in (shard, manifest, description)}
    immutable.publish(store, "dataset", dataset.id, files)
    return dataset.id


def test_a_sound_store(store: Store, tmp_path: Path, make_generator: Callable[..., str]) -> None:
    assert verify(store).details == {"checked": [], "damages": []}
    generator = make_generator("r1", verdict=True)
    add_run(store, "r1")
    dataset = add_dataset(store, tmp_path)
    promote(store, generator, "faces")
    result = verify(store)
    assert result.details["damages"] == []
    assert set(result.details["checked"]) == {dataset, generator, "r1", "faces"}


def test_each_kind_of_damage_is_named(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=True)
    promote(store, generator, "faces")
    state = add_run(store, "r1")
    store.write("runs/r1/checkpoints/00000010-1/state.safetensors", b"stale")
    add_run(store, "r2")
    store.write("runs/r2/checkpoints/00000010-1/checkpoint.json", b"{}")
    add_run(store, "r3")
    store.delete("runs/r3/checkpoints/00000010-1/state.safetensors")
    store.write("promoted/other.json", b"{}")
    store.delete(f"generators/{generator}/weights")
    damages = "\n".join(verify(store).details["damages"])
    assert "weights is missing" in damages
    assert f"state.safetensors is damaged: it has SHA-256 {sha256(b'stale')}; expected {state}" in damages
    assert "r2/checkpoints/00000010-1/checkpoint.json is damaged" in damages
    assert "r3/checkpoints/00000010-1/state.safetensors is missing" in damages
    assert "other.json is damaged" in damages
    assert len(verify(store, ["r1"]).details["damages"]) == 1


def test_an_alias_of_a_missing_generator_is_damage(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=True)
    promote(store, generator, "faces")
    store.delete(f"generators/{generator}/SHA256SUMS")
    (damage,) = verify(store, ["faces"]).details["damages"]
    assert f"points to {generator}, which is not in the store" in damage


def test_an_unknown_id(store: Store) -> None:
    with pytest.raises(NotFoundError, match='nothing in the store is called "x"'):
        verify(store, ["x"])


@pytest.mark.parametrize(
    ("key", "data", "says"),
    [
        ("run.json", b"{", "run.json is damaged (it should end with its checksum"),
        ("config.yaml", b"hello: world", "config.yaml has SHA-256 159957ba"),
        ("config.yaml", None, "config.yaml is missing; expected"),
        ("checkpoints/00000010-1/checkpoint.json", b'{"sha256": "0"}', "checkpoint.json is damaged (it should end"),
        ("metrics/00000001.jsonl", b"{", "00000001.jsonl is damaged"),
        ("evaluations/00000010-ref-1-0.json", b"{}", "00000010-ref-1-0.json is damaged (it should end with"),
        ("verdicts/faces.json", b"[]", "verdicts/faces.json is damaged (it should end with"),
    ],
)
def test_everything_of_a_run_is_read(store: Store, key: str, data: bytes | None, says: str) -> None:
    add_run(store, "r1")
    assert verify(store).details["damages"] == []
    where = f"{layout.folder('r1')}/{key}"
    if data is None:
        store.delete(where)
    else:
        store.write(where, data)
    (damage,) = verify(store, ["r1"]).details["damages"]
    assert says in damage


def test_every_flipped_byte_of_a_checkpoint_is_found(store: Store) -> None:
    add_run(store, "r1")
    for name in ("state.safetensors", "checkpoint.json"):
        key = f"{layout.checkpoint('r1', 10, 1)}/{name}"
        data = store.read(key)
        for place in range(0, len(data), 7):
            if not data[place : place + 1].isspace():  # between JSON's tokens, a tab is as good as a blank
                store.write(key, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
                assert len(verify(store, ["r1"]).details["damages"]) == 1, (name, place)
        store.write(key, data)


@pytest.mark.parametrize("lines", [0, 1, 2])
@pytest.mark.parametrize("kind", ["dataset", "generator"])
def test_sha256sums_that_lost_lines_are_found(
    store: Store, tmp_path: Path, make_generator: Callable[..., str], kind: str, lines: int
) -> None:
    made = add_dataset(store, tmp_path) if kind == "dataset" else make_generator("r1")
    key = f"{immutable.prefix_of(kind, made)}/{immutable.SUMS_FILE}"
    store.write(key, b"".join(store.read(key).splitlines(keepends=True)[:lines]))
    damages = verify(store).details["damages"]
    assert damages
    assert all("SHA256SUMS" in each or "has no file" in each for each in damages)


def test_a_dataset_must_be_what_its_id_says(store: Store, tmp_path: Path) -> None:
    """A description and SHA256SUMS that match each other, but not the id, or not each other's shards."""
    made = add_dataset(store, tmp_path)
    tree = immutable.read_json(store, "dataset", made, "dataset.json")
    sums = immutable.read_sums(store, "dataset", made)
    prefix = immutable.prefix_of("dataset", made)

    def put(text: str, **other: str) -> list[str]:
        store.write(f"{prefix}/dataset.json", text.encode())
        new = {**sums, "dataset.json": sha256(text.encode()), **other}
        store.write(f"{prefix}/SHA256SUMS", "".join(f"{new[name]}  {name}\n" for name in sorted(new)).encode())
        damages: list[str] = verify(store, [made]).details["damages"]
        return damages

    (damage,) = put(json.dumps({**tree, "image_size": 16}))
    assert "dataset.json is damaged: it should describe folder-" in damage
    damages = put(json.dumps(tree), **{"train-00000.tfrecord": "0" * 64})
    assert any("differ in the checksum of train-00000.tfrecord: expected" in each for each in damages)
    (damage,) = put(json.dumps({**tree, "splits": 5}))
    assert "it describes no dataset" in damage
    (damage,) = put(json.dumps({**tree, "format": 99}))
    assert "has format 99" in damage


def test_a_run_and_a_name_of_one_id_are_both_checked(store: Store, make_generator: Callable[..., str]) -> None:
    promote(store, make_generator("r1", verdict=True, name="digits"), "digits")
    add_run(store, "digits")
    store.write("promoted/digits.json", b"{}")
    store.delete("runs/digits/checkpoints/00000010-1/state.safetensors")
    result = verify(store, ["digits"])
    assert result.details["checked"] == ["digits", "digits"]
    assert len(result.details["damages"]) == 2


def test_stray_files_are_skipped(store: Store) -> None:
    add_run(store, "r1")
    for folder in ("promoted", "runs", "runs/r1", "runs/r1/verdicts", "generators"):
        store.write(f"{folder}/.DS_Store", b"\0")
    assert verify(store).details == {"checked": ["r1"], "damages": []}


def test_the_audit_log_of_executions_is_read_too(store: Store) -> None:
    begun = executions.begin(
        store, "run-1", ExecutionAttempt("train", "wf.train", 0, "2026-01-01T00:00:00Z", pod="pod-1")
    )
    assert verify(store).details == {"checked": ["run-1"], "damages": []}
    key = executions.key_of("run-1", begun)
    store.write(key, store.read(key).replace(b"pod-1", b"pod-2"))
    (damage,) = verify(store, ["run-1"]).details["damages"]
    assert key in damage


def test_the_records_of_sweeps_are_read_too(store: Store) -> None:
    sweeps.write_stage(store, "digits-1", 0, [{"seed": 0}])
    sweeps.write_result(store, "digits-1", {"seed": 0}, 1.5)
    assert verify(store).details == {"checked": ["digits-1"], "damages": []}
    (key,) = (item.key for item in store.list("sweeps/digits-1/results"))
    store.write(key, store.read(key).replace(b"1.5", b"0.5"))
    (damage,) = verify(store).details["damages"]
    assert key in damage


def test_the_directions_of_a_generator_are_read_too(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1")
    found = {"Smiling": Direction(np.array([0.6, 0.8]), 0.9, 0.5)}
    directions.write(store, Directions(generator, "ref-1", "cnn:012345", 100, found))
    assert verify(store, [generator]).details["damages"] == []
    key = directions.key_of(generator)
    store.write(key, store.read(key).replace(b"0.6", b"0.7"))
    (damage,) = verify(store, [generator]).details["damages"]
    assert key in damage
