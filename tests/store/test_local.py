from __future__ import annotations

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from gan.errors import ConfigError, NotFoundError, StoreError
from gan.store import LocalStore, open_store
from gan.store.cloud.transfer import in_parallel


def test_a_store_opens_by_path_and_by_file_uri(tmp_path: Path) -> None:
    assert open_store(str(tmp_path)).uri == open_store(f"file://{tmp_path}").uri == str(tmp_path)


@pytest.mark.parametrize("uri", ["ftp://host/x", "file://", ""])
def test_other_schemes_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"--store must be"):
        open_store(uri)


def test_a_file_uri_is_decoded(tmp_path: Path) -> None:
    assert open_store(f"file://localhost{tmp_path}/my%20store").uri == f"{tmp_path}/my store"


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--store: no user is called ~nobody-of-that-name"):
        open_store("~nobody-of-that-name/x")


def test_opening_makes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "new"))
    assert list(store.list()) == []
    assert not (tmp_path / "new").exists()


def test_a_folder_that_others_empty_and_remove_is_written_to(tmp_path: Path) -> None:
    def write_and_delete(writer: int) -> None:
        for number in range(200):
            store.write(f"deep/er/{writer}", b"x", if_absent=bool(number % 2))
            store.delete(f"deep/er/{writer}")

    store = LocalStore(tmp_path)
    in_parallel([partial(write_and_delete, writer) for writer in range(4)], threads=4)


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("a", b"1")
    store.write("a", b"1")
    assert list((tmp_path / ".tmp").iterdir()) == []
    assert [item.key for item in store.list()] == ["a"]


def test_delete_takes_empty_folders_along(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("a/b/c", b"")
    store.write("a/d", b"")
    store.delete("a/b/c")
    assert not (tmp_path / "a" / "b").exists()
    assert store.exists("a/d")


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StoreError, match="in the way"):
        LocalStore(tmp_path).write("runs/r1/config.yaml", b"")
    with pytest.raises(StoreError, match="in the way"):
        LocalStore(tmp_path / "runs").write("a", b"")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "is full; free some space and run the same command again"),
        (errno.EROFS, "read-only file system"),
        (errno.EACCES, "no permission for"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_disk_errors_come_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    """The failing disk is a mock: a real one, full, is in test_full_disk."""
    store = LocalStore(tmp_path)
    store.write("old", b"old")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=message):
        store.write("old", b"new")
    monkeypatch.undo()
    assert store.read("old") == b"old"
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_full_disk(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    with pytest.raises(StoreError, match="is full"):
        store.write("big", bytes(shutil.disk_usage(small_disk).free + 1))
    assert not store.exists("big")
    store.write("small", b"fits")


def test_a_missing_source_of_an_upload_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        LocalStore(tmp_path).upload("a", tmp_path / "none")


def test_local_path_is_the_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("a/b", b"x")
    assert store.local_path("a/b").read_bytes() == b"x"
