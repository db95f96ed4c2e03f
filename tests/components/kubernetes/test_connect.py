from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from components.kubernetes.connect import open_cluster
from gan.errors import ClusterError
from support import kfp_runs as r
from support.kfp_api import Api

OF_POD = "https://of-pod.invalid"
BROKEN = {
    "current-context: nosuch\ncontexts: []\nclusters: []\nusers: []\n": "Expected object with name nosuch",
    "contexts: [": "while parsing",
    "only words": "'str' object",
    "": "file is empty",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in a pod that has a service account."""

    def load(client_configuration: Any) -> None:
        client_configuration.host = OF_POD

    monkeypatch.setattr(kubernetes.config, "load_incluster_config", load)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    return tmp_path


@pytest.mark.parametrize(("text", "why"), BROKEN.items(), ids=["context", "YAML", "text", "empty"])
@pytest.mark.parametrize("named", [True, False])
def test_a_bad_kubeconfig_is_reported_and_the_pods_account_not_used_instead(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str, *, named: bool
) -> None:
    path = home / "mine" if named else home / ".kube/config"
    path.write_text(text)
    if named:
        monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ClusterError) as caught:
        open_cluster("kubeflow")
    assert str(path) in str(caught.value)
    assert why in str(caught.value)


def test_without_a_kubeconfig_a_pod_has_its_own_account(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_cluster("kubeflow").host == OF_POD
    monkeypatch.setenv("KUBECONFIG", "")
    assert open_cluster("kubeflow").host == OF_POD


def test_the_kubeconfig_comes_before_the_pods_account(home: Path) -> None:
    (home / ".kube/config").write_text(r.kubeconfig(Api(url="http://mine.invalid"), home).read_text())
    assert open_cluster("kubeflow").host == "http://mine.invalid"


def test_neither_a_kubeconfig_nor_a_pod(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(ClusterError, match=r"KUBECONFIG is not set, there is no ~/.kube/config, and this is not a pod"):
        open_cluster("kubeflow")


def test_a_tilde_in_kubeconfig_is_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "mine").write_text(r.kubeconfig(Api(url="http://mine.invalid"), home).read_text())
    monkeypatch.setenv("KUBECONFIG", "~/mine")
    assert open_cluster("kubeflow").host == "http://mine.invalid"


def test_a_kubeconfig_may_be_what_another_process_prints(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = r.kubeconfig(Api(url="http://mine.invalid"), home).read_bytes()
    read, write = os.pipe()
    os.write(write, text)
    os.close(write)
    try:
        monkeypatch.setenv("KUBECONFIG", f"/dev/fd/{read}")
        assert open_cluster("kubeflow").host == "http://mine.invalid"
    finally:
        os.close(read)
