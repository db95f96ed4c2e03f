"""Workers, and steps, wait in Kueue's queue until it has room, and everybody who asks is told what they wait for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import disruption
from support.cluster import Cluster, kubectl, kubectl_json, until

Begin = Callable[..., str]
COMPONENT = Path(__file__).resolve().parents[2] / "k8s" / "components" / "kueue"


@pytest.fixture(scope="module")
def queue() -> Iterator[str]:
    """A queue as the component makes it, but of a name of its own."""
    if "clusterqueues.kueue.x-k8s.io" not in kubectl("get", "crd", "-A", "-o", "name"):
        pytest.skip("Kueue is not installed in this cluster")
    name = f"gan-disruption-{secrets.token_hex(3)}"
    things = [named(each, name) for each in yaml.safe_load_all(kubectl("kustomize", str(COMPONENT)))]
    new = [each for each in things if not kubectl("get", *place(each), "--ignore-not-found", "-o", "name")]
    try:
        for each in things:
            kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(each))
        active = "--for=condition=Active"
        kubectl("wait", f"localqueue/{name}", active, "--timeout=60s")
        yield name
    finally:
        # flavors stay as long as queues have them
        for each in sorted(new, key=lambda each: "Queue" not in each["kind"]):
            kubectl("delete", *place(each), "--ignore-not-found")


def named(thing: dict[str, Any], name: str) -> dict[str, Any]:
    """A queue under another name; what queues refer to stays as it is."""
    if thing["kind"] in ("ClusterQueue", "LocalQueue"):
        thing["metadata"]["name"] = name
    if thing["kind"] == "LocalQueue":
        thing["spec"]["clusterQueue"] = name
    return thing


def place(thing: dict[str, Any]) -> tuple[str, str]:
    return thing["kind"].lower(), thing["metadata"]["name"]


def let_in(queue: str, cpus: int) -> None:
    """Give the flavor of the CPU nodes so many."""
    (group,) = kubectl_json("get", "clusterqueue", queue)["spec"]["resourceGroups"]
    (of_cpus,) = [each for each in group["flavors"] if each["name"] == "gan-cpu"]
    (amount,) = [each for each in of_cpus["resources"] if each["name"] == "cpu"]
    amount["nominalQuota"] = str(cpus)
    patch = yaml.safe_dump({"spec": {"resourceGroups": [group]}})
    kubectl("patch", "clusterqueue", queue, "--type=merge", "-p", patch)


def workloads(run: str) -> list[dict[str, Any]]:
    """What Kueue has of the workers of a run."""
    jobsets = kubectl_json("get", "jobsets", "-l", f"gan-pipelines/run={run}")["items"]
    ids = {each["metadata"]["uid"] for each in jobsets}
    found = kubectl_json("get", "workloads.kueue.x-k8s.io")["items"]
    return [each for each in found if ids & {owner["uid"] for owner in each["metadata"].get("ownerReferences", [])}]


def manages_pods() -> bool:
    """Whether Kueue admits pods one by one, as the steps of a run are."""
    found = kubectl_json("-n", "kueue-system", "get", "configmap", "kueue-manager-config")["data"]
    settings = yaml.safe_load(found["controller_manager_config.yaml"])
    return "pod" in settings.get("integrations", {}).get("frameworks", [])


def test_workers_begin_when_their_queue_lets_them_in(
    cluster: Cluster, queue: str, begun: Begin, tmp_path: Path
) -> None:
    if manages_pods():
        pytest.skip("Kueue manages pods in this cluster: the step's own pod waits, before it makes workers")
    let_in(queue, 0)
    train = {"workers": 2, "queue": queue, "priority": "gan-interactive"}
    run = begun("train.steps=100000", profile=disruption.profile(tmp_path, steps={"train": train}))
    waits = f"suspended until the queue {queue} admits it"
    told = cluster.until_step(run, "train", "running", why=waits)
    assert told["why"].startswith("its workers have no pods: ")
    assert cluster.workers(run) == []
    until(lambda: waits in cluster.command("logs", run, "--step", "train").stderr, seconds=60, what="the log says so")
    (waiting,) = workloads(run)
    assert waiting["spec"]["queueName"] == queue
    assert waiting["spec"]["priority"] == 1000
    let_in(queue, 8)
    pods = until(lambda: cluster.running_workers(run, 2), seconds=300, what=f"two workers of {run} run")
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {"gan-worker"}
    until(lambda: not cluster.step(run, "train")["why"], seconds=60, what="status says nothing of waiting any more")
    cluster.cancel(run)
    until(lambda: not workloads(run), seconds=60, what="Kueue has nothing of the run any more")


def test_a_step_begins_when_its_queue_lets_it_in(cluster: Cluster, queue: str, begun: Begin, tmp_path: Path) -> None:
    if not manages_pods():
        pytest.skip("Kueue does not manage pods in this cluster: its integrations.frameworks has no pod")
    let_in(queue, 0)
    run = begun(profile=disruption.profile(tmp_path, default={"queue": queue, "priority": "gan-interactive"}))
    why = cluster.until_step(run, "preprocess", "pending", why="held back by Kueue: ")["why"]
    assert "insufficient quota for cpu in flavor gan-cpu" in why, why
    let_in(queue, 8)
    assert cluster.until_step(run, "preprocess", "done")["tries"] == 1
    assert cluster.cancel(run).record["state"] == "CANCELED"
    assert cluster.pods(run) == []
