"""A real cluster with Kubeflow Pipelines, found by KUBECONFIG and KFP_HOST; `make cluster-test` prepares it."""

from __future__ import annotations

import base64
import dataclasses
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
import requests

from gan.store import Store, open_store
from support import serial_lock
from support.cluster import Cluster, kubectl_json, within_reach

FOLDER = Path(__file__).parent
ASKED_FOR = "GAN_CLUSTER_TESTS"
LONGEST_FIRST = (
    "test_disruption_training",
    "test_journey_cancel",
    "test_journey_retraining",
    "test_schedule",
    "test_journey",
    "test_journey_sweep",
    "test_disruption_pending",
    "test_disruption_errors",
    "test_journey_mnist",
)
WAITS_FOR_ALL = "test_disruption_api_server"
DEFAULT_HOST = "http://127.0.0.1:8888"


@pytest.hookimpl(trylast=True)  # pytest itself puts tests that share a fixture together before
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, and end with the one that waits for all others.

    What needs a cluster is skipped where none was asked for, or none answers.
    """
    rank = {stem: place for place, stem in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: (item.path.stem == WAITS_FOR_ALL, rank.get(item.path.stem, len(rank))))
    reason = _why_not()
    if reason:
        for item in items:
            if FOLDER in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


def _why_not() -> str:
    if ASKED_FOR not in os.environ:
        return "needs a cluster with Kubeflow Pipelines: run `make cluster-test`"
    host = os.environ.get("KFP_HOST", DEFAULT_HOST)
    try:
        requests.get(f"{host}/apis/v2beta1/healthz", timeout=10).raise_for_status()
    except requests.RequestException as error:
        return f"no Kubeflow Pipelines at KFP_HOST={host}: {error}"
    if shutil.which("kubectl") is None:
        return "there is no kubectl in PATH"
    done = subprocess.run(["kubectl", "get", "nodes"], capture_output=True, text=True, timeout=60, check=False)
    return f"no cluster at KUBECONFIG={os.environ.get('KUBECONFIG', '')}: {done.stderr}" if done.returncode else ""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, with its store within reach of this machine."""
    secret = kubectl_json("get", "secret", "gan-store")["data"]
    keys = {name: base64.b64decode(secret[name]).decode() for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with within_reach("gan-s3", 9000) as endpoint:
        yield Cluster(
            host=os.environ.get("KFP_HOST", DEFAULT_HOST),
            image=os.environ.get("GAN_TEST_IMAGE", "gan-pipelines:cluster-test"),
            s3_endpoint=endpoint,
            keys=keys,
        )


@pytest.fixture(scope="module", autouse=True)
def undisturbed() -> Iterator[None]:
    """No other file's tests take a service away meanwhile. A file that does so has another fixture of this name."""
    with serial_lock.undisturbed():
        yield


@pytest.fixture(scope="session")
def shared_store() -> str:
    """A place in the store of the cluster for all runs that may find there what others have made."""
    return f"s3://gan/tests/shared-{secrets.token_hex(4)}"


@pytest.fixture
def store_uri(request: pytest.FixtureRequest) -> str:
    """A place of its own in the store of the cluster."""
    return f"s3://gan/tests/{request.node.name[:40].strip('[]').replace('[', '-')}-{secrets.token_hex(4)}"


@pytest.fixture
def begun(cluster: Cluster, store_uri: str) -> Iterator[Callable[..., str]]:
    """Submits runs as `Cluster.submit` does, by default to the test's own store; nothing of them is left at its end."""
    runs: list[str] = []

    def begin(*sets: str, store: str = store_uri, image: str = "", **flags: str) -> str:
        seen = dataclasses.replace(cluster, image=image or cluster.image)
        runs.append(seen.submit(store, *sets, **flags))
        return runs[-1]

    yield begin
    for run in runs:
        cluster.cancel(run)


@pytest.fixture
def open_here(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Store]:
    """Opens the cluster's store from this machine."""
    for name, value in {**cluster.keys, "AWS_ENDPOINT_URL": cluster.s3_endpoint, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    return open_store


@pytest.fixture(scope="session")
def kubeflow_artifacts() -> Iterator[Callable[[str], set[str]]]:
    """What Kubeflow's own object store keeps of a run, each as step/name."""
    secret = kubectl_json("get", "secret", "mlpipeline-minio-artifact")["data"]
    names = {"aws_access_key_id": "accesskey", "aws_secret_access_key": "secretkey"}
    keys = {name: base64.b64decode(secret[given]).decode() for name, given in names.items()}
    with within_reach("minio-service", 9000) as endpoint:
        bucket = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).Bucket("mlpipeline")

        def found(run: str) -> set[str]:
            places = (each.key.split("/") for each in bucket.objects.filter(Prefix="v2/artifacts/"))
            return {f"{place[-3]}/{place[-1]}" for place in places if run in place}

        yield found
