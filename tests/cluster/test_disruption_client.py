"""Where a client can't get through: one clear error each, and exit code 16.

Kubeflow Pipelines standalone asks nobody who they are. The login here is that of the Kubernetes API, which leads to it
as to every service; what only another server can say (an older version) is said by one that answers in its place.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gan.errors import ClusterError
from support import kfp_api, servers
from support.cluster import NAMESPACE, Cluster, Told, kubectl
from support.kfp_api import Said


@pytest.fixture(scope="module")
def front_door(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags that lead to Kubeflow through the login of the real Kubernetes API."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))["clusters"][0]["cluster"]
    authority = tmp_path_factory.mktemp("door") / "ca.crt"
    if "certificate-authority-data" in config:
        authority.write_bytes(base64.b64decode(config["certificate-authority-data"]))
    else:
        authority.write_bytes(Path(config["certificate-authority"]).read_bytes())
    service = f"/api/v1/namespaces/{NAMESPACE}/services/ml-pipeline:8888/proxy"
    return ["--host", config["server"] + service, "--ca-file", str(authority)]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def one_error(told: Told) -> str:
    """The one line that a command ended with."""
    assert told.exit_code == ClusterError.exit_code == 16, (told.exit_code, told.stderr)
    assert "Traceback" not in told.stderr, told.stderr
    assert len(told.stderr.splitlines()) == 1, told.stderr
    return told.stderr


def asked(cluster: Cluster, command: list[str], *flags: str, **environment: Any) -> str:
    return one_error(cluster.command(*command, *flags, check=False, **environment))


@pytest.mark.parametrize("command", [["wait", "any"], ["schedule", "list"]], ids=" ".join)
def test_nothing_listens(cluster: Cluster, command: list[str]) -> None:
    host = f"http://127.0.0.1:{servers.free_port()}"
    told = asked(cluster, command, "--host", host)
    assert f"{host} can't be reached: nothing listens there" in told


def test_no_such_host(cluster: Cluster) -> None:
    assert "no-such-host.invalid:8888 can't be reached: " in asked(
        cluster, ["list"], "--host", "http://no-such-host.invalid:8888"
    )


def test_a_wrong_token(cluster: Cluster, front_door: list[str], token_file: Path) -> None:
    token_file.write_text("wrong", encoding="utf-8")
    told = asked(cluster, ["list"], *front_door, "--token-file", str(token_file))
    assert (
        f"rejects the credentials: the token in {token_file} is wrong, or meant for another audience; write one" in told
    )


def test_an_expired_token(cluster: Cluster, front_door: list[str], token_file: Path) -> None:
    """A real one of a service account, but for its time: it ended in 2001."""
    head, claims, signature = kubectl("create", "token", "gan-run").strip().split(".")
    told_by_it = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    ended = base64.urlsafe_b64encode(json.dumps({**told_by_it, "exp": 1_000_000_000}).encode()).decode().rstrip("=")
    token_file.write_text(f"{head}.{ended}.{signature}", encoding="utf-8")
    told = asked(cluster, ["list"], *front_door, "--token-file", str(token_file))
    assert f"the token in {token_file} expired at 2001-09-09 01:46:40 UTC; write a new one there" in told


def test_a_token_of_somebody_who_may_not(cluster: Cluster, front_door: list[str], token_file: Path) -> None:
    token_file.write_text(kubectl("create", "token", "gan-run"), encoding="utf-8")
    told = asked(cluster, ["list"], *front_door, "--token-file", str(token_file))
    assert f"forbids this in the namespace {NAMESPACE}" in told
    assert "system:serviceaccount:kubeflow:gan-run" in told


def test_a_token_that_does(cluster: Cluster, front_door: list[str], token_file: Path, through_the_door: str) -> None:
    token_file.write_text(kubectl("create", "token", through_the_door), encoding="utf-8")
    told = cluster.command("list", *front_door, "--token-file", str(token_file))
    assert told.record["uri"] == front_door[1]


@pytest.fixture
def through_the_door() -> Iterator[str]:
    """A service account that the Kubernetes API lets through to Kubeflow."""
    name = "gan-disruption-door"
    kubectl("create", "serviceaccount", name)
    try:
        rights = ["--verb=get,create,update,delete", "--resource=services/proxy"]
        kubectl("create", "role", name, *rights)
        kubectl("create", "rolebinding", name, f"--role={name}", f"--serviceaccount={NAMESPACE}:{name}")
        yield name
    finally:
        kubectl("delete", "rolebinding,role,serviceaccount", name, "--ignore-not-found")


@pytest.mark.parametrize("version", ["1.8.5", "2.5.0"])
def test_an_old_version(cluster: Cluster, version: str) -> None:
    with kfp_api.serve({"GET /apis/v1beta1/healthz": Said({"tag_name": version})}) as old:
        if version.startswith("1."):
            del old.routes["GET /apis/v2beta1/healthz"]
        told = asked(cluster, ["list"], "--host", old.url)
    assert f"{old.url} is Kubeflow Pipelines {version}, and the oldest supported is 2.14; upgrade it" in told


def test_a_kubeconfig_that_leads_nowhere(cluster: Cluster, tmp_path: Path) -> None:
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = server = f"https://127.0.0.1:{servers.free_port()}"
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    told = asked(cluster, ["list"], "--port-forward", KUBECONFIG=str(path))
    assert f"Kubernetes at {server} can't be reached" in told
    assert "check that KUBECONFIG names the right cluster" in told
