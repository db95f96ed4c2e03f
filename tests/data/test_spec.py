"""The description of a dataset."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys

import pytest

from gan.data.spec import Dataset, Shard, Split, from_json, load, with_id
from gan.errors import IntegrityError, NotFoundError
from gan.store import LocalStore, immutable

DATASET = with_id(
    Dataset(
        id="",
        source="celeba",
        matches_published_checksums=None,
        image_size=64,
        channels=3,
        crop=148,
        resizer="bicubic",
        classes=(),
        attributes=("Male",),
        splits={
            "train": Split(3, (Shard("train-00000.tfrecord", 3, 100, "ab"),)),
            "valid": Split(1, (Shard("valid-00000.tfrecord", 1, 40, "ef"),)),
            "test": Split(1, (Shard("test-00000.tfrecord", 1, 40, "cd"),)),
        },
        quarantined=1,
        manifest_sha256="12",
    )
)


def test_json_round_trip() -> None:
    text = json.dumps(DATASET.to_json(), sort_keys=True)
    found = from_json(json.loads(text))
    assert found == DATASET
    assert list(found.splits) == ["train", "valid", "test"]


def test_the_id_is_a_hash_of_the_rest() -> None:
    rest = {name: value for name, value in DATASET.to_json().items() if name != "id"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    assert DATASET.id == f"celeba-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    assert with_id(dataclasses.replace(DATASET, id="other")) == DATASET
    assert with_id(dataclasses.replace(DATASET, crop=178)).id != DATASET.id


def test_only_a_window_that_is_not_centred_stands_in_the_json_and_in_the_id() -> None:
    assert "crop_offset" not in DATASET.to_json()
    published = with_id(dataclasses.replace(DATASET, crop=128, crop_offset=(25, 57)))
    assert published.id != with_id(dataclasses.replace(DATASET, crop=128)).id
    assert from_json(json.loads(json.dumps(published.to_json()))) == published


def test_only_images_whose_channels_differ_have_the_classes_of_a_channel_in_the_json() -> None:
    assert "channel_classes" not in DATASET.to_json()
    stacked = with_id(dataclasses.replace(DATASET, channel_classes=("0", "1")))
    assert stacked.id != DATASET.id
    assert from_json(json.loads(json.dumps(stacked.to_json()))) == stacked


def test_properties() -> None:
    assert DATASET.image_shape == (64, 64, 3)
    assert not DATASET.has_labels
    assert dataclasses.replace(DATASET, classes=("a",)).has_labels
    assert DATASET.split("test").examples == 1


def test_an_unknown_split_lists_the_known() -> None:
    with pytest.raises(NotFoundError, match='no split "val"; it has: train, valid, test'):
        DATASET.split("val")


def test_another_format_is_refused() -> None:
    with pytest.raises(IntegrityError, match="format 99"):
        from_json({**DATASET.to_json(), "format": 99})


def test_load_checks_the_seal(make_dataset) -> None:  # type: ignore[no-untyped-def]
    store, dataset = make_dataset()
    assert load(store, dataset.id) == dataset
    path = store.local_path(f"{immutable.prefix_of('dataset', dataset.id)}/dataset.json")
    path.write_bytes(path.read_bytes().replace(b'"box"', b'"bix"'))
    with pytest.raises(IntegrityError, match=r"dataset\.json"):
        load(store, dataset.id)


def test_load_of_nothing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFoundError, match="it has no dataset yet"):
        load(LocalStore(tmp_path), "x-1")


def test_what_workers_and_the_spec_import_leaves_tensorflow_out() -> None:
    modules = (
        "gan.data.spec, gan.data.sources, gan.data.prepare.decode, gan.data.prepare.options, gan.data.shards.fetcher"
    )
    code = f"import sys, {modules}; raise SystemExit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
