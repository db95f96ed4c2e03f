"""Small objects of every kind as they stand in a store, made without TensorFlow, for what only links and moves them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan.config import Config, from_dict
from gan.data.spec import Dataset, Shard, Split, with_id
from gan.metrics import evaluations
from gan.store import LocalStore, Store, alias, immutable
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import Run, write_run
from gan.util.ids import sha256

HOUR, DAY = 3600.0, 86400.0


def publish(store: Store, kind: str, files: Mapping[str, bytes], object_id: str | None = None) -> str:
    """Publish files given by content, under an id that is the hash of their seal unless one is given."""
    with tempfile.TemporaryDirectory() as name:
        paths = {file: Path(name) / str(number) for number, file in enumerate(files)}
        for file, path in paths.items():
            path.write_bytes(files[file])
        made = object_id or immutable.sums_id(immutable.NAMED_BY_SUMS[kind], paths)
        immutable.publish(store, kind, made, paths)
    return made


def dataset(store: Store, content: bytes = b"images", classes: tuple[str, ...] = ()) -> str:
    """A dataset of one shard, which holds `content`."""
    shards = (Shard("train-00000.tfrecord", 3, len(content), sha256(content)),)
    made = with_id(Dataset("", "folder", None, 8, 1, None, "area", classes, (), {"train": Split(3, shards)}))
    files = {"dataset.json": json.dumps(made.to_json()).encode(), "manifest.parquet": b"rows", shards[0].name: content}
    return publish(store, "dataset", files, made.id)


def reference(store: Store, dataset_id: str, content: bytes = b"statistics") -> str:
    """A reference of a dataset."""
    record = {
        "dataset_id": dataset_id,
        "splits": {"final": "test"},
        "feature_network": {"name": "cnn", "hash": "0123456789ab"},
    }
    return publish(store, "reference", {"reference.json": json.dumps(record).encode(), "real.npz": content})


def run(store: Store, run_id: str, dataset_id: str, *, keep: int = 3, config: Config | None = None) -> str:
    """A run without checkpoints."""
    config = config or from_dict({"name": "tiny", "train": {"keep_checkpoints": keep}})
    write_run(store, Run(run_id, dataset_id, config))
    return run_id


def checkpoint(store: Store, run_id: str, step: int, *, attempt: int = 1, on_schedule: bool = True) -> None:
    """A checkpoint of a run."""
    tensors = {"ema/0000": np.arange(step, dtype=np.float32)}
    Checkpoints(store, run_id, attempt).save(step, tensors, {"on_schedule": on_schedule})


def evaluation(store: Store, run_id: str, step: int, reference_id: str, fid: float = 5.0) -> str:
    """The scores of a checkpoint; returns their key."""
    record = {
        "run_id": run_id,
        "step": step,
        "reference_id": reference_id,
        "identity": {"samples": 100},
        "label": "fid[cnn:012345]",
        "scores": {"fid": {"value": fid, "low": fid, "high": fid}},
    }
    evaluations.write(store, record)
    return evaluations.key_of(run_id, step, reference_id, record["identity"])


def generator(store: Store, run_id: str, dataset_id: str, step: int = 10, reference_id: str | None = None) -> str:
    """A generator that was exported from a run."""
    metadata = {"run_id": run_id, "step": step, "dataset_id": dataset_id, "reference_id": reference_id}
    metadata |= {"checkpoint_sha256": "ab" * 32, "config": {}, "latent_size": 6, "conditional": False, "classes": []}
    metadata |= {"image_shape": [8, 8, 1], "parity": {}, "exported_at": "2026-01-01T00:00:00+00:00"}
    return publish(store, "generator", {"generator.json": json.dumps(metadata).encode(), "weights": run_id.encode()})


def promote(store: Store, name: str, generator_id: str) -> None:
    """Make a generator the live one, whatever anybody says of it."""
    at = alias.read(store, name)
    alias.update(store, at, alias.Promotion(generator_id, "promote", "2026-01-01T00:00:00+00:00", at.live))


def age(store: LocalStore, seconds: float, *prefixes: str) -> None:
    """Make everything below these prefixes (or all there is) so much older, as a clock tells it."""
    for path in [each for each in store.root.rglob("*") if each.is_file()]:
        if not prefixes or path.relative_to(store.root).as_posix().startswith(prefixes):
            status = path.stat()
            os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))
