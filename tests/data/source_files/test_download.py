"""Downloads from a local test server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gan.data.source_files import download
from gan.data.source_files.download import DownloadError, download_from_mirrors, file_md5
from gan.errors import StoreError

DATA = b"the published bytes" * 1000
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
NOBODY = "http://127.0.0.1:1/"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A mirror with one correct and one wrong file."""
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "sound").write_bytes(DATA)
    (tmp_path / "mirror" / "wrong").write_bytes(b"something else")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "mirror"))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_a_sound_file_is_kept(server: str, folder: Path) -> None:
    path = download_from_mirrors("sound", MD5, [server], folder)
    assert path.read_bytes() == DATA
    assert file_md5(path) == MD5
    assert [each.name for each in folder.iterdir()] == ["sound"]
    assert download_from_mirrors("sound", MD5, [], folder) == path  # now there is no need of a mirror


def test_a_damaged_copy_is_fetched_again(server: str, folder: Path) -> None:
    (folder / "sound").write_bytes(b"half")
    assert download_from_mirrors("sound", MD5, [server], folder).read_bytes() == DATA


def test_the_next_mirror_is_tried(server: str, folder: Path) -> None:
    assert download_from_mirrors("sound", MD5, [NOBODY, f"{server}nowhere/", server], folder).read_bytes() == DATA


def test_every_mirror_is_named_when_all_fail(server: str, folder: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download_from_mirrors("wrong", MD5, [NOBODY, f"{server}nowhere/", server], folder)
    assert "127.0.0.1:1/: " in str(caught.value)
    assert "nowhere/: " in str(caught.value)
    assert f"expected {MD5}" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_file_without_end_is_refused(server: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 100)
    with pytest.raises(DownloadError, match="more than 100 bytes"):
        download_from_mirrors("sound", MD5, [server], folder)


def test_a_full_disk_is_no_fault_of_the_mirror(server: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't write"):
        download_from_mirrors("sound", MD5, [server], tmp_path / "missing")
