"""Small datasets that are written directly instead of decoded."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan.data.manifest import ManifestWriter, example_row
from gan.data.shards.tfrecord import ShardWriter
from gan.data.sources.interface import ExampleRef
from gan.data.spec import FILE, MANIFEST, Dataset, with_id
from gan.store import LocalStore, immutable

Made = tuple[LocalStore, Dataset]
MakeDataset = Callable[..., Made]


def pixels_of(number: int, shape: tuple[int, int, int]) -> bytes:
    """Different for each example, and not symmetric."""
    return np.random.default_rng(number).integers(0, 256, shape, np.uint8).tobytes()


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """Publishes a dataset whose example n has pixels of seed n and label n % 3."""

    def make(
        examples: int = 50,
        *,
        size: int = 4,
        channels: int = 3,
        attributes: int = 0,
        labelled: bool = True,
        shard_bytes: int = 1000,
    ) -> Made:
        shape = (size, size, channels)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        with ManifestWriter(folder / MANIFEST) as manifest, ShardWriter(folder, "train", shape, shard_bytes) as shards:
            for number in range(examples):
                marks = tuple(1 if (number >> bit) % 2 else -1 for bit in range(attributes))
                ref = ExampleRef(str(number), "train", f"{number}.png", number, label=number % 3, attributes=marks)
                place = shards.add(ref, pixels_of(number, shape))
                digest = hashlib.sha256(str(number).encode()).hexdigest()
                manifest.add(example_row(ref, digest, place, has_label=labelled))
        dataset = with_id(
            Dataset(
                id="",
                source="made",
                matches_published_checksums=None,
                image_size=size,
                channels=channels,
                crop=None,
                resizer="box",
                classes=("a", "b", "c") if labelled else (),
                attributes=tuple(f"attribute{bit}" for bit in range(attributes)),
                splits={"train": shards.split()},
                manifest_sha256=manifest.sha256,
            )
        )
        (folder / FILE).write_text(json.dumps(dataset.to_json()))
        store = LocalStore(tmp_path / "store")
        immutable.publish(store, "dataset", dataset.id, immutable.files_below(folder))
        return store, dataset

    return make
