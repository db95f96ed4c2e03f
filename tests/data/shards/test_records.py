"""Random access against TensorFlow's own reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.data.shards.records import Records
from gan.errors import IntegrityError


def write(path: Path, records: list[bytes]) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def opened(paths: list[Path], counts: list[int]) -> Records:
    records = Records(counts)
    for number, path in enumerate(paths):
        records.open(number, path)
    return records


@settings(max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=6), min_size=1, max_size=3))
def test_same_as_tensorflow(files: list[list[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(Path(folder, str(number)), records) for number, records in enumerate(files)]
        expected = list(tf.data.TFRecordDataset([str(path) for path in paths]).as_numpy_iterator())
        found = opened(paths, [len(records) for records in files])
        assert len(found) == len(expected)
        backwards = np.arange(len(expected))[::-1]
        assert found.read(backwards) == expected[::-1]


def test_files_in_any_order(tmp_path: Path) -> None:
    paths = [write(tmp_path / str(number), [b"%d.%d" % (number, each) for each in range(3)]) for number in range(3)]
    records = Records([3, 3, 3])
    assert len(records) == 9
    records.open(2, paths[2])
    assert records.read([8, 6]) == [b"2.2", b"2.0"]
    records.open(0, paths[0])
    assert records.read([7, 1]) == [b"2.1", b"0.1"]


def test_no_files() -> None:
    assert len(Records([])) == 0


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_records(count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a", [b"0123456789"] * 3)
    with pytest.raises(IntegrityError, match=f"a holds 3 examples, its dataset says {count}"):
        opened([path], [count])


def test_a_cut_file_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [b"0123456789"] * 3)
    data = path.read_bytes()
    for size in (len(data) - 1, 30, 5):
        path.write_bytes(data[:size])
        with pytest.raises(IntegrityError, match="ends inside a record"):
            opened([path], [3])


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_what_can_not_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(IntegrityError, match="can't be read"):
        opened([tmp_path / name], [1])
