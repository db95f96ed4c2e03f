"""What every source must do. A new source adds a function that makes a small copy of its data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from gan.config import Data
from gan.data.prepare import decode
from gan.data.prepare.image import crop_and_resize_pixels
from gan.data.prepare.image import prepare as prepare_image
from gan.data.prepare.options import resolve
from gan.data.sources import SOURCES, Listing
from gan.data.spec import Dataset, load
from gan.errors import ConfigError
from gan.steps.preprocess import preprocess
from gan.store import LocalStore
from gan.util.ids import file_sha256
from support import bad_inputs

Maker = Callable[[Path], str | None]
MAKERS: dict[str, Maker] = {
    "mnist": lambda path: str(bad_inputs.mnist(path)),
    "celeba": lambda path: str(bad_inputs.celeba(path)),
    "digits": lambda path: None,
    "folder": lambda path: str(bad_inputs.folder(path)),
    "stacked-mnist": lambda path: str(bad_inputs.mnist(path)),
}
OPTIONS = {"stacked-mnist": {"train_images": 40, "test_images": 20}}


def test_every_source_is_here() -> None:
    assert SOURCES.keys() == MAKERS.keys()
    assert all(source.name == name for name, source in SOURCES.items())
    assert all(source.__doc__ for source in SOURCES.values())


@pytest.fixture(params=sorted(MAKERS))
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    source, options = MAKERS[request.param](tmp_path / "in"), OPTIONS.get(request.param, {})
    return Data(dataset=request.param, source=source, shard_mib=0.05, options=options)


def scanned(data: Data) -> Listing:
    source = SOURCES[data.dataset].with_options(data.options)
    return source.scan(data.source, data.holdout_percent)


def test_the_listing_is_sound(data: Data) -> None:
    listing = scanned(data)
    assert len({each.id for each in listing.examples}) == len(listing.examples) > 0
    splits = {each.split for each in listing.examples}
    assert splits == {""} if listing.split_by_pixels else splits >= {"train", "test"}
    for each in listing.examples:
        assert 0 <= each.label < max(len(listing.classes), 1)
        assert len(each.attributes) == len(listing.attributes)
        assert set(each.attributes) <= {-1, 1}
        assert not Path(each.file).is_absolute()
    if listing.channel_classes:
        assert len(listing.classes) == len(listing.channel_classes) ** SOURCES[data.dataset].channels
    assert isinstance(listing.read(listing.examples[0].key), bytes) == listing.encoded
    assert listing.rejected == []
    listing.close()


def test_an_option_that_the_source_does_not_have_is_refused(data: Data) -> None:
    with pytest.raises(ConfigError, match=rf'unknown config key "data.options.colour".*of the source {data.dataset}'):
        SOURCES[data.dataset].with_options({"colour": 1})


def test_scanning_again_lists_the_same(data: Data) -> None:
    first, second = scanned(data), scanned(data)
    assert first.examples == second.examples
    assert first.fingerprint == second.fingerprint
    json.dumps(first.fingerprint)
    first.close()
    second.close()


def test_the_fingerprint_covers_every_file(data: Data) -> None:
    if data.source is None:
        pytest.skip("embedded: there is no file to change")
    before = scanned(data)
    before.close()
    for path in sorted(Path(data.source).rglob("*"))[-3:]:
        if path.is_file() and path.suffix == ".png":
            sound = path.read_bytes()
            path.write_bytes(sound + b"\0")
            after = scanned(data)
            after.close()
            assert after.fingerprint != before.fingerprint
            path.write_bytes(sound)


def published(store: LocalStore, dataset: Dataset) -> dict[str, str]:
    folder = store.root / "datasets" / dataset.id
    return {path.name: file_sha256(path) for path in folder.iterdir()}


def test_any_number_of_workers_gives_the_same_bytes(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MIN_IMAGES_FOR_PROCESSES", 1)
    monkeypatch.setattr(decode, "CHUNK_IMAGES", 7)
    one, two = LocalStore(tmp_path / "one"), LocalStore(tmp_path / "two")
    first, second = preprocess(one, data, workers=1), preprocess(two, data, workers=2)
    assert first.id == second.id
    assert published(one, load(one, first.id)) == published(two, load(two, second.id))


def test_shards_hold_the_source(data: Data, tmp_path: Path) -> None:
    """Read with TensorFlow only, and compared with the source."""
    store = LocalStore(tmp_path / "store")
    dataset = load(store, preprocess(store, data, workers=1).id)
    listing = scanned(data)
    transform = resolve(SOURCES[data.dataset], data).transform
    expected = {each.id: each for each in listing.examples}
    manifest = {
        (row["shard"], row["index"]): row
        for row in pq.read_table(store.root / "datasets" / dataset.id / "manifest.parquet").to_pylist()
    }
    found = set()
    for name, split in dataset.splits.items():
        for shard in split.shards:
            path = store.root / "datasets" / dataset.id / shard.name
            assert path.stat().st_size == shard.bytes <= 0.05 * 2**20
            for index, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
                features = tf.train.Example.FromString(record).features.feature
                ref = expected[features["id"].bytes_list.value[0].decode()]
                original = listing.read(ref.key)
                pixels = (
                    prepare_image(original, ref.file, transform).pixels
                    if isinstance(original, bytes)
                    else crop_and_resize_pixels(np.asarray(original), transform)
                )
                assert features["image/raw"].bytes_list.value[0] == pixels
                assert tuple(features["image/shape"].int64_list.value) == dataset.image_shape
                assert features["label"].int64_list.value[0] == ref.label
                row = manifest[shard.name, index]
                assert (row["id"], row["split"], row["file"]) == (ref.id, name, ref.file)
                assert ref.split == ("" if listing.split_by_pixels else name)
                assert row["label"] == (ref.label if listing.classes else None)
                assert row["attributes"] == (list(ref.attributes) or None)
                assert row["identity"] == ref.identity
                if isinstance(original, bytes):
                    assert row["sha256"] == hashlib.sha256(original).hexdigest()
                else:
                    assert row["sha256"] == ref.sha256
                found.add(ref.id)
    assert found == expected.keys()
    assert len(manifest) == len(expected)
    listing.close()
