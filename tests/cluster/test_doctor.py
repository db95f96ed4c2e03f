"""doctor on a cluster that is well, and on one where something is missing; and the way through the kubeconfig."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan.errors import EXIT_UNHEALTHY
from support import disruption
from support.cluster import Cluster, Told

EXPECTED = {
    "store opens",
    "store enforces conditions",
    "pods reach the store",
    "Kubeflow Pipelines answers",
    "Kubeflow Pipelines lets us list schedules",
    "Kubernetes answers",
    "namespace",
    "what the namespace admits",
    "your permissions",
    "permissions of the pods",
    "credentials of the store",
    "settings of the pods",
    "Argo's controller",
    "place of artifacts",
    "quota",
    "image",
}


def examined(cluster: Cluster, store: str, *flags: str, **environment: Any) -> Told:
    flags = ("--store", store, "--image", cluster.image, *flags)
    return cluster.command("doctor", *flags, check=False, **environment)


def failed(told: Told) -> dict[str, str]:
    return {each["name"]: each["found"] for each in told.record["checks"] if each["ok"] is False}


def ids(told: Told) -> list[str]:
    return [run["id"] for run in told.record["runs"]]


def test_a_cluster_that_is_well(cluster: Cluster, store_uri: str) -> None:
    told = examined(cluster, store_uri, "--profile", "local")
    assert failed(told) == {}
    assert told.exit_code == 0
    good = {each["name"] for each in told.record["checks"] if each["ok"]}
    assert good >= EXPECTED
    assert any(name.startswith("node for ") and "train" in name for name in good)


def test_a_profile_that_no_node_takes_and_a_secret_that_is_not_there(
    cluster: Cluster, store_uri: str, tmp_path: Path
) -> None:
    huge = {"train": {"cpu": "900", "cpu_limit": "900"}}
    profile = disruption.profile(tmp_path, store_secret="gan-nowhere", steps=huge)  # noqa: S106
    told = examined(cluster, store_uri, "--profile", profile)
    assert told.exit_code == EXIT_UNHEALTHY
    wrong = failed(told)
    assert "create secret generic gan-nowhere" in wrong.pop("credentials of the store")
    assert "quota gan allows requests.cpu of" in wrong.pop("quota")
    (place,) = wrong
    assert place.startswith("node for ")
    assert "no node takes the pod of train (cpu 900, " in wrong[place]


def test_wrong_keys_of_the_store(cluster: Cluster, store_uri: str) -> None:
    told = examined(cluster, store_uri, AWS_SECRET_ACCESS_KEY="wrong")  # noqa: S106
    assert told.exit_code == EXIT_UNHEALTHY
    assert "no permission for s3://gan" in failed(told)["store lists"]


def test_kubeflow_is_reached_through_the_kubeconfig(cluster: Cluster, begun: Callable[..., str]) -> None:
    """Where KFP_HOST names a place at which nothing listens."""
    begun(image="gan-pipelines:nowhere")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        told = cluster.command("list", "--port-forward", KFP_HOST=nowhere)
    direct = cluster.command("list")
    assert {*ids(told)} & {*ids(direct)}
