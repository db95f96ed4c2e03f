from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipelines.doctor.check import DoctorCheck
from pipelines.doctor.kubernetes import examine_kubernetes
from pipelines.profiles.profile import load_profile
from support import kfp_api
from support.kfp_api import Api, Said
from support.kubernetes_api import (
    ARGO,
    ARGO_CONFIG,
    CONTROLLER,
    IN,
    argo,
    kubeconfig,
    listed,
    node,
    quota,
    review,
    routes,
    status,
)

STORE = "s3://bucket/prefix"
FORBIDDEN = status(403, "Forbidden", 'nodes is forbidden: User "u" cannot list resource "nodes"')
ABSENT = status(404, "NotFound", '"x" not found')


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve(routes()) as served:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, served.url)))
        yield served


def found(
    profile: str = "gpu-l4", image: str | None = "gan-pipelines:dev", store: str = STORE, backend: str | None = "2.17.0"
) -> dict[str, DoctorCheck]:
    checks = examine_kubernetes("kubeflow", load_profile(profile), store, image, backend=backend)
    return {check.name: check for check in checks}


def test_a_good_cluster(api: Api) -> None:
    checks = found()
    assert [check for check in checks.values() if not check.ok] == []
    said = {name: check.found for name, check in checks.items()}
    assert said["Kubernetes answers"].endswith("v1.34.4")
    assert said["namespace"] == "kubeflow"
    assert said["what the namespace admits"] == "Pod Security restricted, and the admission policies"
    assert said["time zone of schedules"].startswith("Europe/Berlin (CRON_SCHEDULE_TIMEZONE of deployment kubeflow/")
    assert said["credentials of the store"] == "secret gan-store has AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    assert said["settings of the pods"] == "there is no configmap gan-settings, and none is needed"
    assert said["place of artifacts"] == "s3://gan/artifacts"
    assert said["Kueue"] == "queue gan of gan, 2 waiting; gan-retraining"
    assert said["image"] == "gan-pipelines:dev is on every node"
    assert "train waits for requests.cpu" in said["quota"]
    assert "create/patch workflowtaskresults.argoproj.io" in said["permissions of the pods"]
    train = next(text for name, text in said.items() if name.startswith("node for") and "train" in name)
    assert "1 of 2 nodes take it, 1 with room now" in train
    assert "1 of 2 nvidia.com/gpu free" in train


SELF = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OTHER = "POST /apis/authorization.k8s.io/v1/subjectaccessreviews"
ENFORCE, GUARDED = "pod-security.kubernetes.io/enforce", "gan-pipelines/guarded"
QUEUE = "GET /apis/kueue.x-k8s.io/v1beta2/namespaces/kubeflow/localqueues/gan"
PRIORITY = "GET /apis/kueue.x-k8s.io/v1beta2/workloadpriorityclasses/gan-retraining"
SECRET = f"GET {IN}/secrets/gan-store"
HALF = Said({"data": {"AWS_ACCESS_KEY_ID": "bQ=="}})
NO_ROOT = Said({"data": {"defaultPipelineRoot": "/artifacts"}})
NO_GPU = listed("ResourceQuotaList", [quota("requests.nvidia.com/gpu", hard="0", used="0")])
CLOSED = Said(
    {
        "spec": {"clusterQueue": "gan"},
        "status": {"conditions": [{"type": "Active", "status": "False", "message": "ClusterQueue is stopped"}]},
    }
)


@pytest.mark.parametrize(
    ("check", "route", "answer", "message"),
    [
        ("your permissions", SELF, review("get pods/log"), "you may not get pods/log in kubeflow: .* ask for a role"),
        (
            "permissions of the pods",
            OTHER,
            review("patch workflowtaskresults"),
            "gan-run may not patch .* apply the manifests",
        ),
        ("permissions of the pods", f"GET {IN}/serviceaccounts/gan-run", ABSENT, "apply the manifests"),
        ("credentials of the store", SECRET, ABSENT, "create secret generic gan-store"),
        ("credentials of the store", SECRET, HALF, "lacks AWS_SECRET_ACCESS_KEY"),
        (
            "Argo's controller",
            ARGO_CONFIG,
            Said({"data": {}}),
            "a step has one second .*; run k8s/workflow-controller.sh",
        ),
        (
            "Argo's controller",
            ARGO,
            Said(argo(A="1")),
            "^a pod that is deleted by force fails its run; run k8s/workflow",
        ),
        ("place of artifacts", f"GET {IN}/configmaps/kfp-launcher", NO_ROOT, 'has defaultPipelineRoot "/artifacts"'),
        ("quota", f"GET {IN}/resourcequotas", NO_GPU, "allows requests.nvidia.com/gpu of 0 in .* asks for 1; raise it"),
        ("Kueue", "GET /apis/", Said({"groups": []}), "Kueue is not installed"),
        ("Kueue", QUEUE, ABSENT, "create the LocalQueue gan"),
        ("Kueue", QUEUE, CLOSED, "not active: ClusterQueue is stopped"),
        ("Kueue", PRIORITY, ABSENT, "create the WorkloadPriorityClass"),
    ],
)
def test_each_failure_has_its_remedy(api: Api, check: str, route: str, answer: Any, message: str) -> None:
    api.routes[route] = answer
    checks = found()
    assert {name for name, each in checks.items() if each.ok is False} == {check}
    assert re.search(message, checks[check].found)


def test_no_node_for_the_accelerator(api: Api) -> None:
    api.routes["GET /api/v1/nodes"] = listed("NodeList", [node("small", {}, cpu="64", memory="256Gi")])
    failed = [check.found for check in found().values() if check.ok is False]
    assert len(failed) == 1
    assert "no node takes the pod of" in failed[0]
    assert "none of 1 has its labels and taints" in failed[0]


def test_where_nodes_come_by_themselves_one_that_is_not_there_is_no_failure(api: Api) -> None:
    api.routes["GET /api/v1/nodes"] = listed("NodeList", [node("small", {}, cpu="64", memory="256Gi")])
    api.routes["GET /api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"] = Said({"data": {}})
    unseen = [check.found for name, check in found().items() if check.ok is None and name.startswith("node for")]
    (output,) = unseen
    assert "none of 1 has its labels and taints. The autoscaler adds one where a node pool allows it" in output


def test_nodes_that_are_too_small_or_busy(api: Api) -> None:
    labels = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    small = node("gpu", labels, cpu="4", memory="15Gi", gpu="1")
    api.routes["GET /api/v1/nodes"] = listed("NodeList", [small])
    failed = [check.found for check in found().values() if check.ok is False]
    assert "the largest of 1 has cpu 4, memory 15.0Gi, nvidia.com/gpu 1" in failed[0]
    api.routes["GET /api/v1/nodes"] = listed("NodeList", [node("gpu", labels, cpu="8", memory="31Gi", gpu="1")])
    train = next(check for name, check in found().items() if name.startswith("node for") and "train" in name)
    assert train.ok
    assert "0 of 1 nvidia.com/gpu free): 1 of 1 nodes take it, none with room now, so it will wait" in train.found


def test_a_missing_permission_is_not_a_failure(api: Api) -> None:
    api.routes["GET /api/v1/nodes"] = api.routes[CONTROLLER] = FORBIDDEN
    api.routes[f"GET {IN}/secrets/gan-store"] = FORBIDDEN
    checks = found()
    assert {check.ok for check in checks.values()} == {True, None}
    assert "inconclusive" in checks["credentials of the store"].found
    assert checks["image"].ok is None
    assert "give --controller-zone where it is another" in checks["time zone of schedules"].found


def test_a_store_with_identities_needs_no_secret(api: Api) -> None:
    api.routes[f"GET {IN}/secrets/gan-store"] = ABSENT
    assert found(store="gs://bucket")["credentials of the store"].ok


ALL_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION"), "bQ==")
CREDENTIALS, SETTINGS = "credentials of the store", "settings of the pods"


def test_a_backend_of_2_14_needs_the_optional_keys(api: Api) -> None:
    checks = found(backend="2.14.3")
    assert {name for name, each in checks.items() if each.ok is False} == {CREDENTIALS, SETTINGS}
    lacking = "secret gan-store lacks AWS_ENDPOINT_URL, AWS_REGION, and Kubeflow Pipelines 2.14.3 starts no pod without"
    assert lacking in checks[CREDENTIALS].found
    assert "create configmap gan-settings --from-literal=GAN_PUSHGATEWAY=` creates it" in checks[SETTINGS].found
    api.routes[SECRET] = ABSENT
    in_google = found(backend="2.14.3", store="gs://bucket")[CREDENTIALS]
    assert in_google.ok is False
    assert "there is no secret gan-store, and" in in_google.found
    assert "give a profile with `store_secret: null`, or `kubectl" in in_google.found
    api.routes[SECRET] = Said({"data": ALL_KEYS})
    api.routes[f"GET {IN}/configmaps/gan-settings"] = Said({"data": {}})
    assert "configmap gan-settings lacks GAN_PUSHGATEWAY" in found(backend="2.14.3")[SETTINGS].found
    api.routes[f"GET {IN}/configmaps/gan-settings"] = Said({"data": {"GAN_PUSHGATEWAY": ""}})
    checks = found(backend="2.14.3")
    assert (checks[CREDENTIALS].ok, checks[SETTINGS].ok) == (True, True)


@pytest.mark.parametrize(
    ("backend", "output"), [("unknown", "unknown"), (None, "of an unknown version"), ("2.16.0", "2.16.0")]
)
def test_a_missing_optional_key_is_inconclusive_for_an_unknown_backend(
    api: Api, backend: str | None, output: str
) -> None:
    checks = found(backend=backend)
    assert (checks[CREDENTIALS].ok, checks[SETTINGS].ok) == (None, None)
    assert f"this one is {output}. To be safe: " in checks[SETTINGS].found


def test_workers_need_more_permissions_and_the_registry_is_asked(api: Api) -> None:
    profile = load_profile("cpu-small")
    several = replace(profile, steps={**profile.steps, "train": {"workers": 2}})
    api.routes["POST /apis/authorization.k8s.io/v1/subjectaccessreviews"] = review("create jobsets")
    seen = examine_kubernetes("kubeflow", several, STORE, "nowhere.invalid/gan:1", backend=None)
    checks = {each.name: each for each in seen}
    assert checks["workers"].found == "2 workers as a JobSet (v1alpha2)"
    assert "may not create jobsets.jobset.x-k8s.io" in checks["permissions of the pods"].found
    api.routes["GET /apis/"] = Said({"groups": []})
    seen = examine_kubernetes("kubeflow", several, STORE, None, backend=None)
    (workers,) = (each for each in seen if each.name == "workers")
    api.routes[f"GET {IN}/serviceaccounts/gan-worker"] = ABSENT
    seen = examine_kubernetes("kubeflow", several, STORE, None, backend=None)
    (without,) = (each for each in seen if each.name == "workers")
    assert without.ok is False
    assert without.found.endswith("--field-manager gan-pipelines -k k8s/overlays/...`")
    assert workers.found == "2 workers as an Indexed Job: no JobSet here"
    assert "has no such image, and it can't be pulled" in checks["image"].found


def test_an_image_by_its_digest_is_asked_for_too(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    manifest = b"{}"
    digest = "sha256:" + sha256(manifest).hexdigest()
    image = f"{api.url.removeprefix('http://')}/gan@{digest}"
    route = f"GET /v2/gan/manifests/{digest}"
    absent = found(image=image)["image"]
    assert absent.ok is False
    assert "there is no 127.0.0.1" in absent.found
    api.routes[route] = Said({}, 403)
    assert found(image=image)["image"].ok is None
    api.routes[route] = Said(manifest)
    there = found(image=image)["image"]
    assert (there.ok, there.found) == (True, f"{image}: its registry has it; 0 of 2 nodes have it")


def test_a_tag_beside_a_digest_hides_no_image_that_nodes_have(api: Api) -> None:
    digest = f"sha256:{'ab' * 32}"
    for each in api.routes["GET /api/v1/nodes"].body["items"]:
        each["status"]["images"] = [{"names": [f"example.org/gan@{digest}"], "sizeBytes": 1}]
    image = f"example.org/gan:1.0@{digest}"
    assert found(image=image)["image"].found == f"{image} is on every node"


def test_a_registry_that_is_out_of_reach_says_nothing_of_a_digest(api: Api) -> None:
    unknown = found(image=f"nowhere.invalid/gan@sha256:{'ab' * 32}")["image"]
    assert unknown.ok is None
    assert "0 of 2 nodes have it, and whether the others can pull it is not known: " in unknown.found


def test_a_cluster_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, "http://127.0.0.1:9")))
    first, *others = examine_kubernetes("kubeflow", load_profile("local"), STORE, None, backend=None)
    assert first.ok is False
    assert "KUBECONFIG" in first.found
    assert {check.ok for check in others} == {None}


@pytest.mark.parametrize(
    ("labels", "lacking"),
    [
        ({ENFORCE: "baseline", GUARDED: "true"}, "its Pod Security is baseline and not restricted; apply"),
        ({ENFORCE: "restricted"}, "it lacks the label gan-pipelines/guarded=true, which the"),
        ({}, "its Pod Security is privileged and not restricted, and it lacks the label gan-pipelines/guarded=true"),
    ],
)
def test_a_namespace_that_another_apply_put_back(api: Api, labels: dict[str, str], lacking: str) -> None:
    api.routes[f"GET {IN}"] = Said({"metadata": {"name": "kubeflow", "labels": labels}})
    checks = found()
    check = checks["what the namespace admits"]
    assert [each.name for each in checks.values() if each.ok is False] == [check.name]
    assert f"kubeflow: {lacking}" in check.found
    assert check.found.endswith("also after each upgrade of KFP")


def test_an_old_kubernetes_and_a_missing_namespace(api: Api) -> None:
    api.routes[f"GET {IN}"] = ABSENT
    checks = found()
    assert "kubectl create namespace kubeflow" in checks["namespace"].found
    assert list(checks) == ["Kubernetes answers", "namespace", "what runs need there"]
    output = routes()["GET /version/"].body
    api.routes["GET /version/"] = Said({**output, "minor": "29+", "gitVersion": "v1.29.1-gke.1"})
    assert "v1.29.1-gke.1 is too old; upgrade to 1.30" in found()["Kubernetes answers"].found
