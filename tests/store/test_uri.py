from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import ConfigError
from gan.store import is_bucket, local_path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("store", "store"),
        ("./a b%20c", "a b%20c"),
        ("/tmp/s", "/tmp/s"),  # noqa: S108
        ("file:///tmp/my%20store", "/tmp/my store"),  # noqa: S108
        ("file://localhost/tmp/s", "/tmp/s"),  # noqa: S108
        ("FILE:///tmp/s", "/tmp/s"),  # noqa: S108
        ("file:///tmp/a#b?c", "/tmp/a#b?c"),  # noqa: S108
    ],
)
def test_paths_are_taken_as_written_and_uris_are_decoded(uri: str, path: str) -> None:
    assert local_path(uri, "--store") == Path(path)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("gs://b/x", True),
        ("S3://b", True),
        ("gs:/b", False),
        ("file:///s3", False),
        ("s3", False),
        ("minio://b", False),
    ],
)
def test_what_is_in_object_storage(uri: str, found: bool) -> None:
    assert is_bucket(uri) is found


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/store", "--store") == tmp_path / "store"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_every_absolute_path_comes_back_from_its_uri(name: str) -> None:
    path = Path("/") / name.lstrip("/")
    assert local_path(path.as_uri(), "--store") == path


def test_other_schemes_are_not_local() -> None:
    assert local_path("gs://bucket/x", "--source") is None


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("", r"--source must be a path or a file:// URI.*got \"\""),
        ("file://", "has no path"),
        ("file://localhost", "has no path"),
        ("file://host/tmp/s", r'of this machine.*"file://host/tmp/s" names the machine "host"'),
        ("file:///tmp/%00", "contains a zero byte"),
        ("a\0b", "contains a zero byte"),
        ("~nobody-of-that-name/x", r"--source: no user is called ~nobody-of-that-name, .*\./~nobody"),
    ],
)
def test_what_names_no_place_here_is_refused(uri: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        local_path(uri, "--source")
