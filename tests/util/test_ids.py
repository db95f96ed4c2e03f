from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import ConfigError
from gan.util import ids


def test_known_hashes(tmp_path: Path) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert ids.sha256(b"") == empty
    file = tmp_path / "f"
    file.write_bytes(b"")
    assert ids.file_sha256(file) == empty


def test_content_hash_ignores_the_order_of_keys() -> None:
    assert ids.content_hash({"a": 1, "b": [2]}) == ids.content_hash({"b": [2], "a": 1})
    assert ids.content_hash({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()[:12]


@pytest.mark.parametrize("value", ["", ".", "..", "../x", "a/b", "-a", "a b", "a\n", "é", "x" * 101, None, 5])
def test_ids_that_could_leave_their_folder_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="--run-id must be 1 to 100 letters"):
        ids.check_id(value, "--run-id")
    assert not ids.is_id(value)


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z"))
def test_good_ids_pass(value: str) -> None:
    assert ids.check_id(value, "id") == value
