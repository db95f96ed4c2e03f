"""The pods that train one run together, as Kubernetes objects derived from the step's own pod.

Each worker has the image, resources, credentials, volumes and placement of the step's pod, but not its service account,
Kubeflow's sidecars, or the variables that would record the worker as an attempt of the step. The step's pod owns all
objects: when it is deleted, Kubernetes deletes the workers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.runtime.pod_metadata import CONTAINER, RUN_ID_LABEL, STEP_VARIABLES
from components.runtime.termination_message import DEFAULT
from gan.train.distributed.workers import ADDRESSES
from gan.types import Json

PORT = 2222
SERVICE_ACCOUNT = "gan-worker"
LABEL = "gan-pipelines/workers"
RUN = "gan-pipelines/run"
"""Not Kubeflow's own label: pods with that one count as attempts of a step."""

REQUEST = "GAN_TRAIN_REQUEST"
RESOURCES = "gan-pipelines/worker-resources"
"""Annotation of the step's pod: what each worker gets where it differs from that pod. JSON: `resources`,
`nodeSelector`, `tolerations`, `affinity` as in a pod, `sharedMemory` the size of /dev/shm; a missing key means none."""

JOBSET = ("jobset.x-k8s.io", "v1alpha2", "jobsets")
REPLICATED = "workers"
COPIED_KEYS = (
    "imagePullSecrets",
    "priorityClassName",
    "runtimeClassName",
    "terminationGracePeriodSeconds",
)
PLACEMENT_KEYS = ("affinity", "nodeSelector", "tolerations")
VOLUME_OWNER_KEYS = ("fsGroup", "fsGroupChangePolicy")
"""Of a pod's securityContext: who may write to its volumes. Kubeflow's controller sets it in its own pods only."""

SERVICE_ACCOUNT_VARIABLES = frozenset(
    {
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    }
)
"""Amazon's clusters set these in each pod for its service account; workers get those of their own account."""

LEFT_OUT_PREFIXES = ("ARGO_", "KFP_")
COPIED_VOLUME_KINDS = ("emptyDir", "persistentVolumeClaim", "downwardAPI")
KUBEFLOW_VOLUMES = ("var-run-argo", "tmp-dir-argo", "kfp-launcher")
SHARED_MEMORY = "gan-shm"
QUEUE = ("kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class")
COPIED_LABELS = ("app.kubernetes.io/part-of", "gan-pipelines/")


def name_of(pod: Mapping[str, Any]) -> str:
    """The name of the group of workers of a step's pod."""
    return f"train-{pod['metadata']['uid'][:8]}"


def jobset(pod: Mapping[str, Any], workers: int, request: Json) -> Json:
    """A JobSet of one Indexed Job. JobSet creates a headless service of the same name, which resolves its pods."""
    name = name_of(pod)
    addresses = [f"{name}-{REPLICATED}-0-{index}.{name}:{PORT}" for index in range(workers)]
    template = {"metadata": {"labels": _labels(pod)}, "spec": _job(pod, workers, request, addresses)}
    return {
        "apiVersion": "/".join(JOBSET[:2]),
        "kind": "JobSet",
        "metadata": _metadata(pod, QUEUE),
        "spec": {
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": {"maxRestarts": 0},
            "replicatedJobs": [{"name": REPLICATED, "replicas": 1, "template": template}],
        },
    }


def indexed_job(pod: Mapping[str, Any], workers: int, request: Json) -> Json:
    """The same as an Indexed Job, for a cluster without JobSet; needs `service`."""
    name = name_of(pod)
    addresses = [f"{name}-{index}.{name}:{PORT}" for index in range(workers)]
    job = _job(pod, workers, request, addresses)
    job["template"]["spec"]["subdomain"] = name
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(pod, QUEUE), "spec": job}


def service(pod: Mapping[str, Any]) -> Json:
    """The headless service that resolves the pods of an Indexed Job, also before they are ready."""
    name = name_of(pod)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(pod),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": name},
            "ports": [{"name": "grpc", "port": PORT}],
        },
    }


def _metadata(pod: Mapping[str, Any], also: tuple[str, ...] = ()) -> Json:
    found = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": found["name"], "uid": found["uid"]}
    queue = {label: found["labels"][label] for label in also if label in found["labels"]}
    return {
        "name": name_of(pod),
        "namespace": found["namespace"],
        "labels": {**_labels(pod), **queue},
        "ownerReferences": [{**owner, "controller": False, "blockOwnerDeletion": False}],
    }


def _labels(pod: Mapping[str, Any]) -> dict[str, str]:
    kept = {label: value for label, value in pod["metadata"]["labels"].items() if label.startswith(COPIED_LABELS)}
    run = pod["metadata"]["labels"].get(RUN_ID_LABEL)
    return {**kept, **({RUN: run} if run else {}), LABEL: name_of(pod)}


def _job(pod: Mapping[str, Any], workers: int, request: Json, addresses: list[str]) -> Json:
    """One failed worker ends all, as a training step needs every worker; Kubeflow's retry starts them again."""
    spec = pod["spec"]
    own = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    wanted, context = _resources_and_placement(pod, own), spec.get("securityContext") or {}
    mounts, volumes = _volumes(own, spec, wanted.get("sharedMemory"))
    container = {
        "name": CONTAINER,
        "image": own["image"],
        "imagePullPolicy": own.get("imagePullPolicy", "IfNotPresent"),
        "command": ["python", "-m", "components.multi_worker.worker"],
        "env": [
            *_environment(own),
            {"name": ADDRESSES, "value": ",".join(addresses)},
            {"name": REQUEST, "value": json.dumps(request)},
        ],
        "ports": [{"name": "grpc", "containerPort": PORT}],
        "resources": wanted["resources"],
        "securityContext": _security(own, mounts),
        "terminationMessagePath": DEFAULT,
        "volumeMounts": mounts,
    }
    return {
        "completionMode": "Indexed",
        "completions": workers,
        "parallelism": workers,
        "backoffLimit": 0,
        "template": {
            "metadata": {"labels": _labels(pod)},
            "spec": {
                **{key: spec[key] for key in COPIED_KEYS if key in spec},
                **{key: wanted[key] for key in PLACEMENT_KEYS if key in wanted},
                "securityContext": {key: context[key] for key in VOLUME_OWNER_KEYS if key in context},
                "serviceAccountName": SERVICE_ACCOUNT,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "restartPolicy": "Never",
                "containers": [container],
                "volumes": volumes,
            },
        },
    }


def _environment(own: Mapping[str, Any]) -> list[Json]:
    return [
        each
        for each in own.get("env", [])
        if each["name"] not in STEP_VARIABLES | SERVICE_ACCOUNT_VARIABLES
        and not each["name"].startswith(LEFT_OUT_PREFIXES)
        and "fieldRef" not in (each.get("valueFrom") or {})
    ]


def _resources_and_placement(pod: Mapping[str, Any], own: Mapping[str, Any]) -> Json:
    """What the annotation asks for, or else what the step's own pod has."""
    given = pod["metadata"].get("annotations", {}).get(RESOURCES)
    if given is None:
        return {
            "resources": own.get("resources", {}),
            **{key: pod["spec"][key] for key in PLACEMENT_KEYS if key in pod["spec"]},
        }
    return {"resources": {}, **json.loads(given)}


def _volumes(
    own: Mapping[str, Any], spec: Mapping[str, Any], shared_memory: str | None
) -> tuple[list[Json], list[Json]]:
    volumes = [
        volume
        for volume in spec.get("volumes", [])
        if any(kind in volume for kind in COPIED_VOLUME_KINDS) and volume["name"] not in KUBEFLOW_VOLUMES
    ]
    names = {volume["name"] for volume in volumes}
    mounts = [mount for mount in own.get("volumeMounts", []) if mount["name"] in names]
    mounted = {mount["name"] for mount in mounts}
    volumes = [volume for volume in volumes if volume["name"] in mounted]
    if shared_memory:
        mounts = [*mounts, {"name": SHARED_MEMORY, "mountPath": "/dev/shm"}]  # noqa: S108
        volumes = [*volumes, {"name": SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": shared_memory}}]
    return mounts, volumes


def _security(own: Mapping[str, Any], mounts: list[Json]) -> Json:
    """What Pod Security "restricted" requires; the root is read-only where /tmp is a volume."""
    found = own.get("securityContext") or {}
    return {
        **{key: found[key] for key in ("runAsUser", "runAsGroup") if key in found},
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": any(mount["mountPath"] == "/tmp" for mount in mounts),  # noqa: S108
        "seccompProfile": {"type": "RuntimeDefault"},
    }
