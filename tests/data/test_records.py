"""Random access against TensorFlow's own reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.data.records import Records
from gan.errors import IntegrityError


def write(path: Path, records: list[bytes]) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=6), min_size=1, max_size=3))
def test_same_as_tensorflow(files: list[list[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(Path(folder, str(number)), records) for number, records in enumerate(files)]
        expected = list(tf.data.TFRecordDataset([str(path) for path in paths]).as_numpy_iterator())
        found = Records(paths)
        assert len(found) == len(expected)
        backwards = np.arange(len(expected))[::-1]
        assert found.read(backwards) == expected[::-1]


def test_no_files() -> None:
    assert len(Records([])) == 0


def test_a_cut_file_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [b"0123456789"] * 3)
    data = path.read_bytes()
    for size in (len(data) - 1, 30, 5):
        path.write_bytes(data[:size])
        with pytest.raises(IntegrityError, match="ends inside a record"):
            Records([path])


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_what_can_not_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(IntegrityError, match="can't be read"):
        Records([tmp_path / name])
