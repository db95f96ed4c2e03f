from __future__ import annotations

from pathlib import Path

import pytest

from gan.errors import ConfigError, NotFoundError
from gan.metrics import network_file
from gan.store import open_store

GRAPH = b"a graph"


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


def test_what_a_bucket_has_not_is_told(bucket: str) -> None:
    message = f"^no feature network at {bucket}/networks/net.pb; give the classify_image_graph_def.pb of"
    with pytest.raises(NotFoundError, match=message):
        network_file.read(f"{bucket}/networks/net.pb")


def test_what_this_machine_has_not_is_told(tmp_path: Path) -> None:
    for uri in (str(tmp_path), str(tmp_path / "absent.pb"), str(tmp_path / "absent" / "net.pb")):
        with pytest.raises(NotFoundError, match=f"^no feature network at {uri}; give the classify_image_graph_def.pb"):
            network_file.read(uri)


@pytest.mark.parametrize(
    "uri",
    ["gs://bucket", "s3://bucket/", "gs://bucket/folder/", "gs:///x.pb", "/models/", "file:///m/", "ftp://h/x.pb"],
)
def test_what_can_name_no_file_is_refused_with_the_key_and_the_value(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"^reference.feature_network \(--feature-network\) must be .*" + uri):
        network_file.absolute(uri)
