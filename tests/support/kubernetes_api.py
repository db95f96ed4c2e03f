"""What a real Kubernetes 1.34 with Kubeflow Pipelines said, cut down to what is read, for `kfp_api.serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from support.kfp_api import Asked, Said

IN = "/api/v1/namespaces/kubeflow"
ARGO = "GET /apis/apps/v1/namespaces/kubeflow/deployments/workflow-controller"
ARGO_CONFIG = f"GET {IN}/configmaps/workflow-controller-configmap"
CONTROLLER = "GET /apis/apps/v1/namespaces/kubeflow/deployments/ml-pipeline-scheduledworkflow"


def kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig of a user without credentials, for an API at `url`."""
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def argo(**variables: str) -> dict[str, Any]:
    """The deployment of Argo's controller, by default set up as ours."""
    given = variables or {"ARGO_POD_STATUS_CAPTURE_FINALIZER": "true"}
    container = {"name": "c", "image": "i", "env": [{"name": name, "value": value} for name, value in given.items()]}
    return {"spec": {"selector": {}, "template": {"spec": {"containers": [container]}}}}


def status(code: int, reason: str, message: str) -> Said:
    """A refusal, as Kubernetes words it."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Said(body, code)


def node(
    name: str, labels: dict[str, str], *, taints: list[dict[str, str]] | None = None, **has: str
) -> dict[str, Any]:
    """A node; `has` is what pods may take of it, an underscore standing for what no Python name may hold."""
    amounts = {key.replace("gpu", "nvidia.com/gpu"): amount for key, amount in has.items()}
    spec = {"taints": taints} if taints else {}
    images = [{"names": ["docker.io/library/gan-pipelines:dev"], "sizeBytes": 1}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"allocatable": amounts, "images": images},
    }


def pod(name: str, on: str, phase: str = "Running", **asks: str) -> dict[str, Any]:
    """A pod of one container on a node."""
    requests = {key.replace("gpu", "nvidia.com/gpu"): amount for key, amount in asks.items()}
    container = {"name": "main", "image": "i", "resources": {"requests": requests}}
    return {"metadata": {"name": name}, "spec": {"nodeName": on, "containers": [container]}, "status": {"phase": phase}}


def listed(kind: str, items: list[Any]) -> Said:
    """A list of things."""
    return Said({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})


def review(*refused: str) -> Any:
    """Answers access reviews: everything is allowed but `refused`, each "verb resource"."""

    def answer(asked: Asked) -> Said:
        spec = asked.json["spec"]
        wanted = spec["resourceAttributes"]
        part = wanted.get("subresource")
        name = f"{wanted['verb']} {wanted['resource']}{'/' + part if part else ''}"
        return Said({**asked.json, "status": {"allowed": name not in refused}}, 201)

    return answer


def group(name: str, version: str) -> dict[str, Any]:
    """An API group of one version."""
    one = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [one], "preferredVersion": one}


def routes() -> dict[str, Any]:
    """A cluster on which everything is as a run with GPUs needs it."""
    gke = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    gpu = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    nodes = [
        node("small", {}, cpu="4", memory="15Gi"),
        node("gpu", gke, taints=gpu, cpu="8", memory="31Gi", gpu="2"),
    ]
    pods = [pod("a", "gpu", cpu="500m", gpu="1"), pod("b", "gpu", "Succeeded", gpu="1"), pod("c", "small", cpu="3")]
    zone = {"valueFrom": {"configMapKeyRef": {"name": "pipeline-install-config", "key": "cronScheduleTimezone"}}}
    container = {"name": "c", "image": "i", "env": [{"name": "CRON_SCHEDULE_TIMEZONE", **zone}]}
    deployment = {"spec": {"selector": {}, "template": {"spec": {"containers": [container]}}}}
    keys = {"AWS_ACCESS_KEY_ID": "bQ==", "AWS_SECRET_ACCESS_KEY": "bQ=="}
    active = {"type": "Active", "status": "True", "message": "Can submit new workloads to localQueue"}
    queue = {"spec": {"clusterQueue": "gan"}, "status": {"pendingWorkloads": 2, "conditions": [active]}}
    kueue = "/apis/kueue.x-k8s.io/v1beta2"
    return {
        "GET /version/": Said({"major": "1", "minor": "34", "gitVersion": "v1.34.4", **_BUILD}),
        f"GET {IN}": Said(
            {
                "metadata": {
                    "name": "kubeflow",
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted", "gan-pipelines/guarded": "true"},
                }
            }
        ),
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews": review(),
        "POST /apis/authorization.k8s.io/v1/subjectaccessreviews": review(),
        **{
            f"GET {IN}/serviceaccounts/{name}": Said({"metadata": {"name": name}}) for name in ("gan-run", "gan-worker")
        },
        f"GET {IN}/secrets/gan-store": Said({"metadata": {"name": "gan-store"}, "data": keys}),
        f"GET {IN}/configmaps/kfp-launcher": Said({"data": {"defaultPipelineRoot": "s3://gan/artifacts"}}),
        f"GET {IN}/configmaps/pipeline-install-config": Said({"data": {"cronScheduleTimezone": "Europe/Berlin"}}),
        f"GET {IN}/resourcequotas": listed("ResourceQuotaList", [quota("requests.cpu", hard="64", used="60")]),
        "GET /api/v1/nodes": listed("NodeList", nodes),
        "GET /api/v1/pods": listed("PodList", pods),
        CONTROLLER: Said(deployment),
        ARGO: Said(argo()),
        ARGO_CONFIG: Said(
            {"data": {"workflowDefaults": "... command: [python3, -m, components.runtime.pre_stop_hook] ..."}}
        ),
        "GET /apis/": Said({"groups": [group("kueue.x-k8s.io", "v1beta2"), group("jobset.x-k8s.io", "v1alpha2")]}),
        f"GET {kueue}/namespaces/kubeflow/localqueues/gan": Said(queue),
        f"GET {kueue}/workloadpriorityclasses/gan-retraining": Said({"value": 1}),
    }


def quota(key: str, *, hard: str, used: str) -> dict[str, Any]:
    """A quota of one amount."""
    return {"metadata": {"name": "gan"}, "status": {"hard": {key: hard}, "used": {key: used}}}


_BUILD = dict.fromkeys(("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"), "")
