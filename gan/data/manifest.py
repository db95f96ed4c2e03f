"""manifest.parquet: one row per example and per quarantined image.

Columns: id, split, file and sha256 (of the original), label (null without classes), attributes (-1 or 1, in the order
of dataset.json; null without attributes), identity, shard, index (position in the shard, from 0), reason (why it was
quarantined; null for examples; quarantined images have no shard). If the source has no split of its own, also
decoded_sha256 (`gan.data.prepare.image.decoded_sha256`, which decides the split; null for quarantined images).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gan.data.shards.tfrecord import RecordPosition
from gan.data.sources.interface import ExampleRef, Rejected
from gan.data.spec import DECODED
from gan.util.ids import canonical

ROWS_PER_GROUP = 10_000
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("file", pa.string()),
        ("sha256", pa.string()),
        ("label", pa.int32()),
        ("attributes", pa.list_(pa.int8())),
        ("identity", pa.int32()),
        ("shard", pa.string()),
        ("index", pa.int32()),
        ("reason", pa.string()),
    ]
)
SCHEMA_BY_PIXELS = SCHEMA.append(pa.field(DECODED, pa.string()))


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row; the fields are the columns."""

    id: str
    split: str | None
    file: str
    sha256: str | None
    label: int | None = None
    attributes: list[int] | None = None
    identity: int | None = None
    shard: str | None = None
    index: int | None = None
    reason: str | None = None
    decoded_sha256: str | None = None


def example_row(
    example: ExampleRef, sha256: str, position: RecordPosition, *, has_label: bool, decoded_sha256: str = ""
) -> ManifestRow:
    """The row of an example that was written to a shard."""
    return ManifestRow(
        id=example.id,
        split=example.split,
        file=example.file,
        sha256=sha256,
        label=example.label if has_label else None,
        attributes=list(example.attributes) or None,
        identity=example.identity,
        shard=position.shard,
        index=position.index,
        decoded_sha256=decoded_sha256 or None,
    )


def quarantined_row(rejected: Rejected) -> ManifestRow:
    """The row of an image that was skipped."""
    return ManifestRow(
        rejected.id or rejected.file,
        rejected.split or None,
        rejected.file,
        rejected.sha256 or None,
        reason=rejected.reason,
    )


class ManifestWriter:
    """Writes rows in groups, so that memory use stays constant. Use as a context manager.

    Args:
        path: the file.
        by_pixels: whether the rows have the column decoded_sha256.
    """

    def __init__(self, path: Path, *, by_pixels: bool = False) -> None:
        self._schema = SCHEMA_BY_PIXELS if by_pixels else SCHEMA
        self._parquet = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[list[Any]] = []
        self._hash = hashlib.sha256()

    def __enter__(self) -> ManifestWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._parquet.close()

    def add(self, row: ManifestRow) -> None:
        """Append one row."""
        values = [getattr(row, name) for name in self._schema.names]
        self._rows.append(values)
        self._hash.update(canonical(values) + b"\n")
        if len(self._rows) == ROWS_PER_GROUP:
            self._flush()

    @property
    def sha256(self) -> str:
        """SHA-256 of the rows so far as canonical JSON lines: independent of the version of pyarrow."""
        return self._hash.hexdigest()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = dict(zip(self._schema.names, zip(*self._rows, strict=True), strict=True))
        self._parquet.write_table(pa.table(columns, schema=self._schema))
        self._rows.clear()
