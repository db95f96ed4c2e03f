from __future__ import annotations

import json
from typing import Any

import pytest

from components.multi_worker import manifests

REQUEST = {"config": "name: x\n", "store": "s3://gan/x", "dataset_id": "d-1", "run_id": None}


def pod() -> dict[str, Any]:
    """What Kubernetes shows of a pod that Kubeflow made of the step train, shortened."""
    return {
        "metadata": {
            "name": "gan-training-x-system-container-impl-1",
            "namespace": "kubeflow",
            "uid": "0123abcd-45",
            "labels": {
                "app.kubernetes.io/part-of": "gan-pipelines",
                "gan-pipelines/step": "train",
                "gan-pipelines/profile": "gpu-l4",
                "kueue.x-k8s.io/queue-name": "gan",
                "pipeline/runid": "5c29c935",
                "pipelines.kubeflow.org/v2_component": "true",
                "workflows.argoproj.io/workflow": "gan-training-x",
            },
        },
        "spec": {
            "serviceAccountName": "gan-run",
            "nodeName": "node-7",
            "hostname": "x",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "fsGroupChangePolicy": "OnRootMismatch",
            },
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
            "terminationGracePeriodSeconds": 30,
            "initContainers": [{"name": "kfp-launcher"}],
            "containers": [
                {"name": "wait", "image": "argoexec"},
                {
                    "name": "main",
                    "image": "gan@sha256:1",
                    "imagePullPolicy": "IfNotPresent",
                    "resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "7"}},
                    "securityContext": {"runAsUser": 65532, "runAsGroup": 65532},
                    "env": [
                        {"name": "HOME", "value": "/tmp"},  # noqa: S108
                        {"name": "GAN_EXECUTION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "GAN_TASK", "value": "x(0)"},
                        {"name": "KFP_POD_NAME", "value": "x"},
                        {"name": "ARGO_NODE_ID", "value": "x"},
                        {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::1:role/gan-run"},
                        {
                            "name": "AWS_ACCESS_KEY_ID",
                            "valueFrom": {"secretKeyRef": {"name": "gan-store", "key": "AWS_ACCESS_KEY_ID"}},
                        },
                    ],
                    "volumeMounts": [
                        {"name": "gan-scratch", "mountPath": "/tmp"},  # noqa: S108
                        {"name": "gan-cache", "mountPath": "/cache"},
                        {"name": "var-run-argo", "mountPath": "/var/run/argo"},
                        {"name": "kube-api-access-1", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
                    ],
                },
            ],
            "volumes": [
                {"name": "gan-scratch", "emptyDir": {}},
                {"name": "gan-cache", "persistentVolumeClaim": {"claimName": "shards"}},
                {"name": "var-run-argo", "emptyDir": {}},
                {"name": "kube-api-access-1", "projected": {}},
            ],
        },
    }


def job_of(made: dict[str, Any]) -> dict[str, Any]:
    spec = made["spec"]
    return spec["replicatedJobs"][0]["template"]["spec"] if made["kind"] == "JobSet" else spec


@pytest.fixture(params=[manifests.jobset, manifests.indexed_job])
def made(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param(pod(), 3, REQUEST)


def test_the_step_s_pod_owns_the_workers(made: dict[str, Any]) -> None:
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Pod", "0123abcd-45")
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gan"


def test_a_worker_is_like_the_step_and_no_attempt_of_it(made: dict[str, Any]) -> None:
    template = job_of(made)["template"]
    (container,) = template["spec"]["containers"]
    names = [each["name"] for each in container["env"]]
    assert names == ["HOME", "AWS_ACCESS_KEY_ID", "GAN_WORKER_ADDRESSES", "GAN_TRAIN_REQUEST"]
    assert json.loads(container["env"][-1]["value"]) == REQUEST
    assert container["image"] == "gan@sha256:1"
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp", "/cache"]  # noqa: S108
    assert [volume["name"] for volume in template["spec"]["volumes"]] == ["gan-scratch", "gan-cache"]
    assert template["spec"]["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert template["spec"]["tolerations"]
    assert template["metadata"]["labels"] == {
        "app.kubernetes.io/part-of": "gan-pipelines",
        "gan-pipelines/step": "train",
        "gan-pipelines/profile": "gpu-l4",
        "gan-pipelines/run": "5c29c935",
        "gan-pipelines/workers": "train-0123abcd",
    }


def test_a_worker_may_less_than_the_step(made: dict[str, Any]) -> None:
    spec = job_of(made)["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == "gan-worker"
    assert spec["containers"][0]["securityContext"] == {
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_workers_of_a_run_that_may_promote_may_not() -> None:
    """Kubernetes refuses all pods as gan-promote but those that KFP's own controller makes."""
    given = pod()
    given["spec"] |= {"serviceAccountName": "gan-promote", "serviceAccount": "gan-promote"}
    assert "gan-promote" not in json.dumps(job_of(manifests.jobset(given, 2, REQUEST)))


def test_a_worker_may_write_to_the_volumes_that_the_step_may_write_to(made: dict[str, Any]) -> None:
    context = job_of(made)["template"]["spec"]["securityContext"]
    assert context == {"fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch"}


def test_a_pod_without_a_context_has_workers_without_one() -> None:
    given = pod()
    del given["spec"]["securityContext"]
    assert job_of(manifests.jobset(given, 2, REQUEST))["template"]["spec"]["securityContext"] == {}


def test_one_failure_ends_all_of_them(made: dict[str, Any]) -> None:
    job = job_of(made)
    assert (job["completions"], job["parallelism"], job["completionMode"]) == (3, 3, "Indexed")
    assert job["backoffLimit"] == 0


def test_workers_find_each_other_by_name() -> None:
    def addresses(made: dict[str, Any]) -> str:
        environment = job_of(made)["template"]["spec"]["containers"][0]["env"]
        return next(str(each["value"]) for each in environment if each["name"] == "GAN_WORKER_ADDRESSES")

    assert addresses(manifests.jobset(pod(), 2, REQUEST)) == (
        "train-0123abcd-workers-0-0.train-0123abcd:2222,train-0123abcd-workers-0-1.train-0123abcd:2222"
    )
    job = manifests.indexed_job(pod(), 2, REQUEST)
    assert addresses(job) == "train-0123abcd-0.train-0123abcd:2222,train-0123abcd-1.train-0123abcd:2222"
    assert job["spec"]["template"]["spec"]["subdomain"] == manifests.service(pod())["metadata"]["name"]


def test_a_profile_gives_workers_other_things_than_the_step() -> None:
    given = pod()
    words = {
        "resources": {"limits": {"nvidia.com/gpu": "8"}},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "sharedMemory": "8Gi",
    }
    given["metadata"]["annotations"] = {manifests.RESOURCES: json.dumps(words)}
    spec = job_of(manifests.jobset(given, 2, REQUEST))["template"]["spec"]
    (container,) = spec["containers"]
    assert container["resources"] == words["resources"]
    assert (spec["tolerations"], spec["affinity"]) == (words["tolerations"], words["affinity"])
    assert "nodeSelector" not in spec
    assert container["volumeMounts"][-1] == {"name": "gan-shm", "mountPath": "/dev/shm"}  # noqa: S108
    assert spec["volumes"][-1] == {"name": "gan-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}
