"""Disruptions for runs on a real cluster: what a test makes there to disturb them, and takes away again."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan.store import Store, open_store
from gan.train.checkpoint.files import Checkpoints
from support.cluster import Cluster, kubectl, kubectl_json

GPU = "nvidia.com/gpu"


def profile(folder: Path, **keys: Any) -> str:
    """A file with the profile `local` but for these keys."""
    path = folder / f"disruption-{secrets.token_hex(3)}.yaml"
    path.write_text(yaml.safe_dump({"extends": "local", **keys}), encoding="utf-8")
    return str(path)


def put(kind: str, name: str, api: str = "v1", **content: Any) -> None:
    """Make a thing in the namespace of the runs, or change it."""
    thing = {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **content}
    kubectl("apply", "-f", "-", stdin=json.dumps(thing))


def take_away(kind: str, name: str) -> None:
    """Delete a thing that may be gone already."""
    kubectl("delete", kind, name, "--ignore-not-found")


def put_store_secret(name: str, **changes: str) -> None:
    """A secret like that of the store, with some keys changed."""
    data = kubectl_json("get", "secret", "gan-store")["data"]
    put("Secret", name, stringData={key: base64.b64decode(value).decode() for key, value in data.items()} | changes)


@contextlib.contextmanager
def name_of_secret() -> Iterator[str]:
    """The name of a secret that is not there; one that the test makes goes at its end."""
    name = f"gan-disruption-{secrets.token_hex(3)}"
    try:
        yield name
    finally:
        take_away("secret", name)


@contextlib.contextmanager
def quota(**hard: str) -> Iterator[str]:
    """A quota in the namespace of the runs, beside that which is there."""
    name = f"gan-disruption-{secrets.token_hex(3)}"
    put("ResourceQuota", name, spec={"hard": hard})
    try:
        yield name
    finally:
        take_away("resourcequota", name)


@contextlib.contextmanager
def namespace() -> Iterator[str]:
    """Another namespace than that of the runs."""
    name = f"gan-disruption-{secrets.token_hex(3)}"
    kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def gpus() -> int:
    """How many GPUs the nodes have for pods."""
    nodes = kubectl_json("get", "nodes")["items"]
    return sum(int(node["status"]["allocatable"].get(GPU, 0)) for node in nodes)


def pod(name: str, image: str, command: list[str], *, labels: dict[str, str] | None = None, **spec: Any) -> str:
    """The manifest of a pod that passes `restricted` and runs once; `resources` go to its container."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": spec.pop("resources", {}),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    made = {"restartPolicy": "Never", "securityContext": user, "containers": [container], **spec}
    metadata = {"name": name, "labels": labels or {}}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made})


@contextlib.contextmanager
def scaled_to_nothing(workload: str) -> Iterator[None]:
    """A deployment or stateful set without its pods; they are back, and ready, afterwards.

    Where others need it too, `peace.alone` comes first.
    """
    kind, name = workload.split("/")
    found = kubectl_json("get", kind, name)["spec"]
    selector = ",".join(f"{label}={value}" for label, value in found["selector"]["matchLabels"].items())
    kubectl("scale", workload, "--replicas=0")
    try:
        kubectl("wait", "pods", "-l", selector, "--for=delete", "--timeout=120s")
        yield
    finally:
        kubectl("scale", workload, f"--replicas={found['replicas']}")
        kubectl("rollout", "status", workload, "--timeout=240s")


def checkpoints(cluster: Cluster, uri: str, run_id: str) -> list[int]:
    """The steps that a training in the cluster's store has checkpoints of."""
    with _store(cluster, uri) as store:
        return Checkpoints(store, run_id).steps()


def bits(cluster: Cluster, uri: str, run_id: str, step: int) -> str:
    """The SHA-256 of all that a checkpoint holds: both networks, their average, both optimisers."""
    with _store(cluster, uri) as store:
        saved = Checkpoints(store, run_id)
        saved.check(step)
        return str(saved.read_meta(step)["sha256"])


@contextlib.contextmanager
def _store(cluster: Cluster, uri: str) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment().items():
            patch.setenv(name, value)
        yield open_store(uri)
