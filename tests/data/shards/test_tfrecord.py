"""Writing shards."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from gan.data.shards.tfrecord import FRAMING_BYTES, RecordPosition, ShardWriter, serialize
from gan.data.sources.interface import ExampleRef
from gan.errors import StoreError
from gan.util.ids import file_sha256

SHAPE = (2, 3, 1)
FACE = ExampleRef("a/ü.jpg", "train", "f", "k", label=7, attributes=(-1, 1, 1), identity=99)
PLAIN = ExampleRef("b", "train", "f", "k")
PIXELS = bytes(range(6))


def test_every_feature_of_the_schema() -> None:
    features = tf.train.Example.FromString(serialize(FACE, PIXELS, SHAPE)).features.feature
    assert sorted(features) == ["attributes", "id", "identity", "image/raw", "image/shape", "label"]
    assert features["image/raw"].bytes_list.value[0] == PIXELS
    assert list(features["image/shape"].int64_list.value) == [2, 3, 1]
    assert features["label"].int64_list.value[0] == 7
    assert features["id"].bytes_list.value[0].decode() == "a/ü.jpg"
    assert features["attributes"].bytes_list.value[0] == b"\xff\x01\x01"
    assert features["identity"].int64_list.value[0] == 99


def test_what_there_is_not_is_absent() -> None:
    features = tf.train.Example.FromString(serialize(PLAIN, PIXELS, SHAPE)).features.feature
    assert sorted(features) == ["id", "image/raw", "image/shape", "label"]


def test_shards_are_filled_to_their_size(tmp_path: Path) -> None:
    size = len(serialize(PLAIN, PIXELS, SHAPE)) + FRAMING_BYTES
    with ShardWriter(tmp_path, "train", SHAPE, 3 * size) as writer:
        places = [writer.add(PLAIN, PIXELS) for _ in range(7)]
    names = [f"train-0000{number}.tfrecord" for number in range(3)]
    assert places == [RecordPosition(names[n // 3], n % 3) for n in range(7)]
    split = writer.split()
    assert split.examples == 7
    assert [(each.name, each.examples, each.bytes) for each in split.shards] == [
        (name, count, count * size) for name, count in zip(names, (3, 3, 1), strict=True)
    ]
    assert [each.sha256 for each in split.shards] == [file_sha256(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_failure_leaves_no_half_shard(tmp_path: Path) -> None:
    def write(fail: bool) -> None:
        with ShardWriter(tmp_path, "train", SHAPE, 1 << 20) as writer:
            if not fail:
                writer.add(PLAIN, PIXELS)
            raise KeyError

    for fail in (False, True):
        with pytest.raises(KeyError):
            write(fail)
    assert list(tmp_path.iterdir()) == []


def test_a_split_of_nothing(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "train", SHAPE, 1) as writer:
        pass
    assert writer.split().examples == 0


@pytest.mark.parametrize("image_bytes", [6, 10_000, 1_000_000])
def test_a_full_disk(image_bytes: int, tmp_path: Path) -> None:
    """Noticed when the writer's buffer is full, and at the latest when the shard is closed."""
    (tmp_path / ".train-00000.tfrecord.partial").symlink_to("/dev/full")

    def write() -> None:
        with ShardWriter(tmp_path, "train", SHAPE, 1 << 30) as writer:
            writer.add(PLAIN, bytes(image_bytes))

    with pytest.raises(StoreError, match="No space left on device; free some space"):
        write()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "gone", "train", SHAPE, 1 << 30)
    with pytest.raises(StoreError, match="can't write shards"), writer:
        writer.add(PLAIN, PIXELS)
