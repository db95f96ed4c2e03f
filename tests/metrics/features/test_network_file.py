from __future__ import annotations

from pathlib import Path

import pytest

from gan.errors import ConfigError, NotFoundError
from gan.metrics.features import network_file
from gan.store import open_store

GRAPH = b"a graph"
FILES = {"saved_model.pb": b"graph", "variables/variables.index": b"index"}


def test_a_path_and_a_file_uri_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.pb").write_bytes(GRAPH)
    monkeypatch.chdir(tmp_path)
    for uri in (str(tmp_path / "net.pb"), f"file://{tmp_path}/net.pb", "net.pb"):
        assert network_file.read(uri) == GRAPH
        assert network_file.absolute(uri) == str(tmp_path / "net.pb")


def test_an_object_in_a_bucket_is_read(bucket: str) -> None:
    open_store(f"{bucket}/networks").write("net.pb", GRAPH)
    uri = f"{bucket}/networks/net.pb"
    assert network_file.absolute(uri) == uri
    assert network_file.read(uri) == GRAPH


def test_an_object_at_the_top_of_a_bucket_is_read(bucket: str) -> None:
    open_store(bucket).write("net.pb", GRAPH)
    assert network_file.read(f"{bucket}/net.pb") == GRAPH


def test_a_folder_is_read_with_all_below(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / "net" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "net" / name).write_bytes(data)
    assert network_file.read_folder(f"{tmp_path}/net/") == FILES
    with pytest.raises(NotFoundError, match=f"^no feature network at {tmp_path}/absent; give the path"):
        network_file.read_folder(f"{tmp_path}/absent")


def test_a_folder_in_a_bucket_is_listed_and_read(bucket: str) -> None:
    store = open_store(bucket)
    for name, data in FILES.items():
        store.write(f"nets/folder/{name}", data)
    store.write("nets/folder2/other", b"of another network")
    for uri in (f"{bucket}/nets/folder", f"{bucket}/nets/folder/"):
        assert network_file.read_folder(uri) == FILES
    with pytest.raises(NotFoundError, match=f"^no feature network at {bucket}/nets/absent"):
        network_file.read_folder(f"{bucket}/nets/absent")


def test_what_a_bucket_has_not_is_told(bucket: str) -> None:
    message = f"^no feature network at {bucket}/networks/absent.pb; give the path or URI of one, or the word imagenet"
    with pytest.raises(NotFoundError, match=message):
        network_file.read(f"{bucket}/networks/absent.pb")


def test_what_this_machine_has_not_is_told(tmp_path: Path) -> None:
    for uri in (str(tmp_path), str(tmp_path / "absent.pb"), str(tmp_path / "absent" / "net.pb")):
        with pytest.raises(NotFoundError, match=f"^no feature network at {uri}; give the path or URI of one"):
            network_file.read(uri)


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "net.pb").write_bytes(GRAPH)
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    for read, uri in ((network_file.read, f"{tmp_path}/net.pb"), (network_file.read_folder, str(tmp_path))):
        with pytest.raises(ConfigError, match=f"can't read the feature network {uri}: Permission denied; make it"):
            read(uri)


@pytest.mark.parametrize("uri", ["gs://bucket", "s3://bucket/", "gs:///x.pb", "gs://bucket//", "ftp://h/x.pb"])
def test_what_can_name_nothing_is_refused_with_the_key_and_the_value(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"^reference.feature_network \(--feature-network\) must be .*" + uri):
        network_file.absolute(uri)
