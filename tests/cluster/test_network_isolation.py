"""What a pod can reach that has the labels and the service account of a step: tried from within one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from support import disruption
from support.cluster import NAMESPACE, Cluster, kubectl, kubectl_json

STEP = {
    "app.kubernetes.io/part-of": "gan-pipelines",
    "gan-pipelines/step": "train",
    "pipelines.kubeflow.org/v2_component": "true",
}
STORE = f"gan-s3.{NAMESPACE}:9000"
PROBE = textwrap.dedent("""
    import json, socket, ssl, sys, time, urllib.error, urllib.request

    def reaches(place):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            return type(error).__name__
        return "open"

    def status_of(path):
        folder = "/var/run/secrets/kubernetes.io/serviceaccount"
        headers = {"Authorization": "Bearer " + open(folder + "/token").read()}
        request = urllib.request.Request("https://kubernetes.default" + path, headers=headers)
        trusted = ssl.create_default_context(cafile=folder + "/ca.crt")
        try:
            return urllib.request.urlopen(request, context=trusted, timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code

    first, ports, paths = json.loads(sys.argv[1])
    until = time.monotonic() + 60
    while first and reaches(first) != "open" and time.monotonic() < until:
        time.sleep(0.5)
    print(json.dumps([{each: reaches(each) for each in ports}, {each: status_of(each) for each in paths}]))
""")


@pytest.fixture(scope="module")
def elsewhere(cluster: Cluster) -> Iterator[str]:
    """Another namespace, with a secret, and a pod that answers on port 8080."""
    with disruption.namespace() as name:
        kubectl("-n", name, "create", "secret", "generic", "theirs", "--from-literal=key=value")
        command = ["python3", "-m", "http.server", "--directory", "/tmp", "8080"]  # noqa: S108
        server = disruption.pod("server", cluster.image, command)
        kubectl("-n", name, "create", "-f", "-", stdin=server)
        kubectl("-n", name, "wait", "pod/server", "--for=condition=Ready", "--timeout=120s")
        yield name


def probe(
    cluster: Cluster, namespace: str, ports: list[str], paths: list[str], *, first: str = "", **words: Any
) -> Any:
    """What a pod found: what became of connections to `ports`, and the HTTP status of `paths` of the Kubernetes API.

    It looks as soon as `first` answers: what enforces policies may hear of a new pod a moment after its start, and
    refuse it everything until then.
    """
    command = ["python3", "-c", PROBE, json.dumps([first, ports, paths])]
    kubectl(
        "-n",
        namespace,
        "create",
        "-f",
        "-",
        stdin=disruption.pod("gan-disruption-probe", cluster.image, command, **words),
    )
    try:
        done = "--for=jsonpath={.status.phase}=Succeeded"
        kubectl("-n", namespace, "wait", "pod/gan-disruption-probe", done, "--timeout=180s")
        return json.loads(kubectl("-n", namespace, "logs", "gan-disruption-probe"))
    finally:
        kubectl("-n", namespace, "delete", "pod", "gan-disruption-probe", "--grace-period=0", "--force", check=False)


def test_traffic_out_of_the_namespace_is_blocked(cluster: Cluster, elsewhere: str) -> None:
    """Each place answers a pod that no policy holds back, so that what a step meets is the policy."""
    server = kubectl_json("-n", elsewhere, "get", "pod", "server")["status"]
    closed = [
        f"{server['podIP']}:8080",  # a pod of another namespace
        f"{server['hostIP']}:10250",  # the node's kubelet
        f"ml-pipeline.{NAMESPACE}:8888",  # Kubeflow's API, which asks nobody who they are
        f"ml-pipeline.{NAMESPACE}:8887",
    ]
    assert probe(cluster, elsewhere, closed, [])[0] == dict.fromkeys(closed, "open")
    found, _ = probe(cluster, NAMESPACE, [*closed, STORE], [], first=STORE, labels=STEP, serviceAccountName="gan-run")
    assert found.pop(STORE) == "open"
    assert {place: told for place, told in found.items() if told == "open"} == {}, found


def test_secrets_are_not_read(cluster: Cluster, elsewhere: str) -> None:
    paths = [
        f"/api/v1/namespaces/{elsewhere}/secrets/theirs",
        f"/api/v1/namespaces/{elsewhere}/secrets",
        "/api/v1/namespaces/kube-system/secrets",
        f"/api/v1/namespaces/{NAMESPACE}/secrets",
        f"/api/v1/namespaces/{NAMESPACE}/secrets/gan-store",
        "/api/v1/secrets",
    ]
    _, found = probe(cluster, NAMESPACE, [], ["/version", *paths], labels=STEP, serviceAccountName="gan-run")
    assert found == {"/version": 200, **dict.fromkeys(paths, 403)}
