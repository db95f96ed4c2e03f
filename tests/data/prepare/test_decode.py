"""Decoding of listed examples."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from gan.data.prepare import decode as module
from gan.data.prepare.decode import decode_examples
from gan.data.prepare.transform import ImageTransform
from gan.data.sources.interface import ExampleRef, Listing
from gan.errors import DataError
from support import bad_inputs

FRAME = ImageTransform(8, 3, None, "bicubic")
FILES = {f"{index}.png": bad_inputs.picture(index, (10, 12), kind="PNG") for index in range(10)}
LISTED = [ExampleRef(name, "train", name, name) for name in FILES]


def listing(files: dict[str, bytes], **changes: Any) -> Listing:
    return Listing(examples=LISTED, read=lambda key: files[str(key)], fingerprint={}, encoded=True, **changes)


def test_processes_give_what_one_process_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = list(decode_examples(listing(FILES), LISTED, FRAME, workers=2))
    monkeypatch.setattr(module, "MIN_IMAGES_FOR_PROCESSES", 1)
    monkeypatch.setattr(module, "CHUNK_IMAGES", 3)
    assert list(decode_examples(listing(FILES), LISTED, FRAME, workers=2)) == alone
    assert [each.example for each in alone] == LISTED
    assert {len(each.pixels) for each in alone} == {8 * 8 * 3}
    assert [each.sha256 for each in alone] == [hashlib.sha256(data).hexdigest() for data in FILES.values()]


def test_chunks_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", max(map(len, FILES.values())) + 1)
    assert {len(chunk) for chunk in module._chunks(listing(FILES), LISTED)} == {2}


def test_reasons_stand_where_pixels_would() -> None:
    found = list(decode_examples(listing({**FILES, "3.png": b"no"}), LISTED, FRAME, workers=1))
    assert [bool(each.reason) for each in found] == [index == 3 for index in range(10)]
    assert (found[3].pixels, found[3].sha256) == (b"", hashlib.sha256(b"no").hexdigest())


def test_a_file_that_can_not_be_read_is_a_reason() -> None:
    def read(key: str | int) -> bytes:
        raise DataError(f"{key} is gone")

    source = Listing(examples=LISTED, read=read, fingerprint={}, encoded=True)
    assert [each.reason for each in decode_examples(source, LISTED[:2], FRAME, workers=1)] == [
        "0.png is gone",
        "1.png is gone",
    ]


def test_a_file_that_changes_meanwhile_stops_the_work() -> None:
    changed = [ExampleRef("0.png", "train", "0.png", "0.png", sha256="0" * 64)]
    with pytest.raises(DataError, match=r"0\.png changed while"):
        list(decode_examples(listing(FILES), changed, FRAME, workers=1))


def test_arrays_need_no_processes() -> None:
    pixels = np.arange(2 * 64, dtype=np.uint8).reshape(2, 8, 8)
    examples = [ExampleRef("b", "train", "f", 1, sha256="s"), ExampleRef("a", "train", "f", 0, sha256="s")]
    source = Listing(examples=examples, read=lambda key: pixels[int(key)], fingerprint={}, encoded=False)
    found = list(decode_examples(source, examples, ImageTransform(8, 1, None, "bicubic"), workers=8))
    assert [each.pixels for each in found] == [pixels[1].tobytes(), pixels[0].tobytes()]
