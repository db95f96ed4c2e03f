"""What roles and admission policies let a step do, asked of the real API server as the step's own service account.

Everything is a server-side dry run: nothing is made. The manifests themselves are held to their schemas here as well.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.cluster import NAMESPACE, kubectl

Object = dict[str, Any]
K8S = Path(__file__).resolve().parents[2] / "k8s"
LABELS = {"app.kubernetes.io/part-of": "gan-pipelines", "gan-pipelines/step": "train"}
WORKER: Object = {
    "metadata": {"labels": LABELS},
    "spec": {
        "restartPolicy": "Never",
        "serviceAccountName": "gan-worker",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": "gan-pipelines:any",
                "envFrom": [{"secretRef": {"name": "gan-store"}}],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def job(pod: Object) -> Object:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "try"}, "spec": {"template": pod}}


def jobset(pod: Object) -> Object:
    replicated = [{"name": "workers", "template": {"spec": {"template": pod}}}]
    kind = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet"}
    return {**kind, "metadata": {"name": "try"}, "spec": {"replicatedJobs": replicated}}


def service(**spec: Any) -> Object:
    ports = [{"port": 2222}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "try"}, "spec": {"ports": ports, **spec}}


def changed(**spec: Any) -> Object:
    pod = copy.deepcopy(WORKER)
    pod["spec"].update(spec)
    return pod


def claim(name: str) -> Object:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def with_container(**fields: Any) -> Object:
    pod = copy.deepcopy(WORKER)
    pod["spec"]["containers"][0].update(fields)
    return pod


def named_pod(pod: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": {**pod["metadata"], "name": "try"}}


def labelled(**labels: str) -> Object:
    return {**WORKER, "metadata": {"labels": {**LABELS, **labels}}}


def create(thing: Object, account: str | None) -> str:
    """What the API server says of a dry run: empty where it would have made the thing."""
    who = [f"--as=system:serviceaccount:{NAMESPACE}:{account}"] if account else []
    command = ["kubectl", "-n", NAMESPACE, "create", "--dry-run=server", "-f", "-", *who]
    done = subprocess.run(command, input=json.dumps(thing), capture_output=True, text=True, timeout=60, check=False)
    return done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def has_jobset() -> bool:
    return "jobsets.jobset.x-k8s.io" in kubectl("get", "crd", "-A", "-o", "name")


@pytest.mark.parametrize("account", ["gan-run", "gan-promote"])
def test_a_step_may_make_workers(account: str, has_jobset: bool) -> None:
    assert create(job(WORKER), account) == ""
    assert create(job(changed(volumes=[claim("gan-cache-fast")])), account) == ""
    if has_jobset:
        assert create(jobset(WORKER), account) == ""
    for selector in ("jobset.sigs.k8s.io/jobset-name", "batch.kubernetes.io/job-name", "job-name"):
        assert create(service(clusterIP="None", selector={selector: "try"}), account) == ""


@pytest.mark.parametrize("kind", [job, jobset])
@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (changed(serviceAccountName="gan-run"), "must run as the service account gan-worker"),
        (changed(serviceAccountName="gan-promote"), "must run as the service account gan-worker"),
        (changed(serviceAccountName="argo"), "must run as the service account gan-worker"),
        (changed(automountServiceAccountToken=True), "must not mount a token"),
        (changed(volumes=[{"name": "v", "secret": {"secretName": "mysql-secret"}}]), "of the kinds emptyDir"),
        (
            changed(volumes=[{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
            "of the kinds emptyDir",
        ),
        (changed(volumes=[claim("mysql-pv-claim")]), "no PersistentVolumeClaim but"),
        (changed(volumes=[claim("gan-cache"), claim("data-gan-s3-0")]), "no PersistentVolumeClaim but"),
        (with_container(envFrom=[{"secretRef": {"name": "gan-store-promote"}}]), "no secrets but gan-store"),
        (
            with_container(env=[{"name": "P", "valueFrom": {"secretKeyRef": {"name": "mysql-secret", "key": "p"}}}]),
            "no secrets but gan-store",
        ),
        (labelled(app="ml-pipeline"), "none of KFP's own"),
        (labelled(**{"pipelines.kubeflow.org/v2_component": "true"}), "none of KFP's own"),
        (changed(priorityClassName="system-cluster-critical"), "no priority but"),
    ],
)
def test_workers_are_all_that_it_may_make(
    kind: Callable[[Object], Object], pod: Object, reason: str, has_jobset: bool
) -> None:
    if kind is jobset and not has_jobset:
        pytest.skip("JobSet is not installed in this cluster")
    assert reason in create(kind(pod), "gan-run")


def test_a_step_makes_no_pods_and_no_service_that_takes_others_traffic() -> None:
    assert "cannot create resource" in create(named_pod(WORKER), "gan-run")
    for spec in (
        {"selector": {"app": "ml-pipeline"}},
        {"clusterIP": "None"},
        {"clusterIP": "None", "selector": {"a": "b"}},
    ):
        assert "only headless services" in create(service(**spec), "gan-run")


def test_nobody_but_a_run_makes_a_pod_that_may_promote() -> None:
    pod = named_pod(changed(serviceAccountName="gan-promote"))
    assert "submit a run with the service account gan-promote" in create(pod, None)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (changed(hostNetwork=True), "host namespaces"),
        (changed(securityContext={"runAsUser": 0}), "runAsNonRoot"),
        (with_container(securityContext={"privileged": True}), "privileged"),
        (changed(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "hostPath"),
    ],
)
def test_a_pod_that_violates_restricted_is_refused(change: Object, word: str) -> None:
    told = create(named_pod(change), None)
    assert 'violates PodSecurity "restricted' in told
    assert word in told


@pytest.mark.parametrize("account", ["gan-run", "gan-promote"])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("get secrets -n kube-system", "no"),
        ("list secrets", "no"),
        ("get secret/gan-store", "no"),
        ("get secret/gan-store-promote", "no"),
        ("create pods", "no"),
        ("create pods/exec", "no"),
        ("create serviceaccounts/token", "no"),
        ("create workflows.argoproj.io", "no"),
        ("patch configmap/kfp-launcher", "no"),
        ("get configmap/kfp-launcher", "yes"),
        ("create workflowtaskresults.argoproj.io", "yes"),
    ],
)
def test_what_the_role_of_a_step_allows(question: str, answer: str, account: str) -> None:
    who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    told = kubectl("auth", "can-i", *question.split(), who, check=False)
    assert told.strip().splitlines()[-1] == answer


def test_a_step_can_not_report_for_another_pod() -> None:
    result = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult", "metadata": {"name": "wf-abc-1234"}}
    assert "may report its own result only" in create(result, "gan-run")


@pytest.mark.parametrize("overlay", ["local", "gke-gpu"])
def test_the_api_server_takes_the_manifests(overlay: str, tmp_path: Path) -> None:
    served = {line.split()[-1] for line in kubectl("api-resources", "-n", NAMESPACE, "--no-headers").splitlines()}
    built = subprocess.run(
        ["kubectl", "kustomize", str(K8S / "overlays" / overlay), "-o", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    tried = set()
    for file in tmp_path.iterdir():
        kind = next(line for line in file.read_text().splitlines() if line.startswith("kind: ")).split()[1]
        if kind in served:
            tried.add(kind)
            kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(file))
    assert {"Namespace", "Role", "NetworkPolicy", "ValidatingAdmissionPolicy", "ResourceQuota"} <= tried
