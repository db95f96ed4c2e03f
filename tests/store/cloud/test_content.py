from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.store.cloud.content import Body, Content


def test_checksums_of_bytes_and_of_a_file_are_the_published_ones(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"123456789")
    for source in (b"123456789", file):
        content = Content(source, crc32c=True)
        assert content.size == 9
        assert content.sha256 == hashlib.sha256(b"123456789").hexdigest()
        assert base64.b64decode(content.crc32c).hex() == "e3069283"  # the check value of CRC-32C, RFC 3720
    assert Content(b"", crc32c=False).crc32c == ""


@given(
    data=st.binary(max_size=50),
    head=st.binary(max_size=5),
    tail=st.binary(max_size=5),
    place=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    blocks=st.lists(st.integers(1, 20), max_size=5),
)
def test_a_body_reads_as_a_file_of_its_bytes(
    data: bytes, head: bytes, tail: bytes, place: tuple[int, int], blocks: list[int]
) -> None:
    start, stop = sorted(min(each, len(data)) for each in place)
    whole = head + data[start:stop] + tail
    with Body(Content(data, crc32c=False), start=start, stop=stop, head=head, tail=tail) as body:
        assert len(body) == len(whole)
        for size in blocks:
            at = body.tell()
            block = body.read(size)
            assert whole[at : at + len(block)] == block
            assert len(block) <= size
            assert block or at == len(whole)
        body.seek(0)
        assert b"".join(body) == whole
        assert body.seek(0, io.SEEK_END) == len(whole)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Content(tmp_path / "none", crc32c=False)
