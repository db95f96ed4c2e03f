"""Reading folders and zips, and refusing unsafe ones."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gan.data.source_files import file_source
from gan.data.source_files.file_source import FolderSource, ZipSource, open_file_source, source_path
from gan.errors import ConfigError, DataError
from support import bad_inputs

MEMBERS = {"b/2.png": b"two", "a/1.png": b"one", "3.png": b"three"}


def make_folder(path: Path) -> Path:
    for name, data in MEMBERS.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def make_zip(path: Path) -> Path:
    path.mkdir()
    return bad_inputs.zip_of(path / "a.zip", MEMBERS)


@pytest.mark.parametrize("make", [make_folder, make_zip])
def test_folder_and_zip_hold_the_same(make: Callable[[Path], Path], tmp_path: Path) -> None:
    opened = open_file_source(make(tmp_path / "in"))
    assert opened.names() == ["3.png", "a/1.png", "b/2.png"]
    assert [opened.read(name) for name in opened.names()] == [b"three", b"one", b"two"]
    opened.close()


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    names = {".DS_Store": b"", "__MACOSX/3.png": b"", ".cache/x.png": b"", "d/Thumbs.db": b"", "a.png": b"x"}
    zipped = open_file_source(bad_inputs.zip_of(tmp_path / "a.zip", names))
    for name, data in names.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    assert zipped.names() == open_file_source(tmp_path / "in").names() == ["a.png"]
    zipped.close()


def test_links_inside_are_followed_and_links_out_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in")
    (folder / "again.png").symlink_to("a/1.png")
    assert FolderSource(folder).read("again.png") == b"one"
    (tmp_path / "secret.png").write_bytes(b"")
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DataError, match=r"out\.png is a symbolic link"):
        FolderSource(folder).names()


def test_a_linked_folder_outside_is_refused_too(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in")
    (folder / "up").symlink_to(tmp_path)
    with pytest.raises(DataError, match="outside the source"):
        FolderSource(folder).names()


def test_a_source_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(make_folder(tmp_path / "in"))
    assert FolderSource(tmp_path / "link").names() == ["3.png", "a/1.png", "b/2.png"]


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"caf\xe9/a.png"])
def test_a_name_that_is_not_utf_8_is_refused(name: bytes, tmp_path: Path) -> None:
    path = os.fsencode(make_folder(tmp_path / "in")) + b"/" + name
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    with pytest.raises(DataError, match=r'name is not UTF-8: "caf\\xe9.*rename it or remove it'):
        FolderSource(tmp_path / "in").names()


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match="not a regular file"):
        FolderSource(tmp_path).read("a.png")


def test_files_beyond_any_image_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "MAX_FILE_BYTES", 4)
    zipped = ZipSource(make_zip(tmp_path / "z"))
    for opened in (FolderSource(make_folder(tmp_path / "in")), zipped):
        assert opened.read("a/1.png") == b"one"
        with pytest.raises(DataError, match="has 5 bytes"):
            opened.read("3.png")
    zipped.close()


def test_unreadable_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "in")
    with pytest.raises(DataError, match=r"can't read .*gone.png: No such file"):
        FolderSource(folder).read("gone.png")

    def denied(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(DataError, match=r"can't read .*: Permission denied; make it readable"):
        FolderSource(folder).names()


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "a\\evil.png", "C:/evil.png"])
def test_a_zip_that_reaches_outside_is_refused(name: str, tmp_path: Path) -> None:
    path = bad_inputs.zip_of(tmp_path / "a.zip", {"1.png": b"", name: b""})
    with pytest.raises(DataError, match="path outside the archive"):
        open_file_source(path)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="symbolic link"):
        open_file_source(tmp_path / "a.zip")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = bad_inputs.zip_of(tmp_path / "a.zip", {"a.png": b"x"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        open_file_source(path)


def test_an_absurd_ratio_is_refused(tmp_path: Path) -> None:
    path = bad_inputs.zip_of(tmp_path / "a.zip", {"a.png": bytes(5_000_000)}, compressed=True)
    with pytest.raises(DataError, match=r"compressed 10.. times"):
        open_file_source(path)


def test_many_small_bombs_are_refused_together(tmp_path: Path) -> None:
    members = {f"{index}.png": bytes(900_000) for index in range(3)}
    with pytest.raises(DataError, match="all of it is compressed"):
        open_file_source(bad_inputs.zip_of(tmp_path / "a.zip", members, compressed=True))


def test_a_doubled_name_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", b"2")
    with pytest.raises(DataError, match="there twice"):
        open_file_source(tmp_path / "a.zip")


def test_damage_in_a_zip_is_told(tmp_path: Path) -> None:
    path = bad_inputs.zip_of(tmp_path / "a.zip", {"a.png": b"sound bytes"})
    path.write_bytes(path.read_bytes().replace(b"sound", b"wrong"))
    opened = open_file_source(path)
    with pytest.raises(DataError, match=r"a\.png in .* can't be read: Bad CRC-32"):
        opened.read("a.png")
    opened.close()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="not a whole zip"):
        open_file_source(path)


def test_a_zip_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't read"):
        ZipSource(tmp_path)


def test_sources_are_paths_or_file_uris(tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    assert source_path(str(tmp_path), "x") == tmp_path
    assert source_path(f"file://{tmp_path}/with%20space", "x") == tmp_path / "with space"


@pytest.mark.parametrize(
    ("where", "kind", "says"),
    [
        (None, ConfigError, r"\(--source\) is needed: a folder"),
        ("gs://bucket/x", ConfigError, r'got "gs://bucket/x"'),
        ("file://host/x", ConfigError, r"\(--source\) must be a path or a file:// URI of this machine"),
        ("~nobody-of-that-name/x", ConfigError, r"\(--source\): no user is called ~nobody-of-that-name"),
        ("/nowhere", DataError, "no such file or folder: /nowhere"),
    ],
)
def test_wrong_sources(where: str | None, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        source_path(where, "a folder")


def test_what_is_neither_folder_nor_file() -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        open_file_source(Path("/dev/null"))
