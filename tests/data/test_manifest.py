"""manifest.parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gan.data import manifest as module
from gan.data.manifest import SCHEMA, ManifestRow, ManifestWriter, example_row, quarantined_row
from gan.data.shards.tfrecord import RecordPosition
from gan.data.sources.interface import ExampleRef, Rejected
from gan.util.ids import canonical, sha256

FACE = example_row(
    ExampleRef("1", "train", "1.jpg", "k", label=2, attributes=(-1, 1), identity=9),
    "ab",
    RecordPosition("train-00000.tfrecord", 4),
    has_label=False,
)
DIGIT = example_row(
    ExampleRef("2", "test", "2.png", "k", label=2), "cd", RecordPosition("test-00000.tfrecord", 0), has_label=True
)
BAD = quarantined_row(Rejected("3.png", "is empty"))
LOST = quarantined_row(Rejected("4.png", "is damaged", "four", "train", "ef"))


def test_rows_come_back(tmp_path: Path) -> None:
    with ManifestWriter(tmp_path / "m.parquet") as manifest:
        for row in (FACE, DIGIT, BAD, LOST):
            manifest.add(row)
    table = pq.read_table(tmp_path / "m.parquet")
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert rows[0] == {
        "id": "1", "split": "train", "file": "1.jpg", "sha256": "ab", "label": None, "attributes": [-1, 1],
        "identity": 9, "shard": "train-00000.tfrecord", "index": 4, "reason": None,
    }  # fmt: skip
    assert (rows[1]["label"], rows[1]["attributes"]) == (2, None)
    assert (rows[2]["id"], rows[2]["split"], rows[2]["sha256"], rows[2]["reason"]) == ("3.png", None, None, "is empty")
    assert (rows[3]["id"], rows[3]["split"], rows[3]["sha256"], rows[3]["shard"]) == ("four", "train", "ef", None)


def test_the_hash_is_of_the_rows_not_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(group_rows: int) -> str:
        monkeypatch.setattr(module, "ROWS_PER_GROUP", group_rows)
        with ManifestWriter(tmp_path / f"{group_rows}.parquet") as manifest:
            for row in (FACE, DIGIT, BAD):
                manifest.add(row)
        return manifest.sha256

    lines = [canonical([getattr(row, name) for name in SCHEMA.names]) for row in (FACE, DIGIT, BAD)]
    assert written(1) == written(2) == written(100) == sha256(b"".join(line + b"\n" for line in lines))
    tables = [pq.read_table(tmp_path / f"{rows}.parquet") for rows in (1, 2, 100)]
    assert tables[0].equals(tables[1])
    assert tables[1].equals(tables[2])


def test_a_failure_still_closes_the_file(tmp_path: Path) -> None:
    def write() -> None:
        with ManifestWriter(tmp_path / "m.parquet") as manifest:
            manifest.add(ManifestRow("1", None, "f", None))
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert pq.read_table(tmp_path / "m.parquet").num_rows == 0
