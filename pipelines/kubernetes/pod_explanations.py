"""Why a pod of a run waits, or how it ended, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.kubernetes import pending_reasons
from components.kubernetes.api import KubernetesApi
from components.multi_worker.manifests import JOBSET, RESOURCES, RUN
from components.multi_worker.pod_status import INDEX, why_no_pods
from components.runtime.pod_metadata import RUN_ID_LABEL
from gan.errors import ClusterError
from pipelines.kubernetes.step_pods import container_of, oldest_first, state_of

WORKLOADS = "kueue.x-k8s.io"


def explain_pending(cluster: KubernetesApi, pod: Any) -> str:
    """Why a pod has not started; empty where it has, or is starting."""
    return pending_reasons.why_pending(cluster.to_json(pod), lambda: _of_kueue(cluster, pod))


def why_workers_wait(cluster: KubernetesApi, pod: Any) -> str:
    """Why the workers that a step's pod created wait; empty where it created none, or none waits."""
    if RESOURCES not in (pod.metadata.annotations or {}):
        return ""
    of_run = f"{RUN}={pod.metadata.labels[RUN_ID_LABEL]}"
    try:
        workers = oldest_first(cluster.list_objects(cluster.core.list_namespaced_pod, of_run))
        if workers:
            reasons = ((each.metadata.annotations[INDEX], explain_pending(cluster, each)) for each in workers)
            return next((f"worker {index} waits: {why}" for index, why in reasons if why), "")
        return next((f"its workers have no pods: {why_no_pods(each, ())}" for each in _groups(cluster, of_run)), "")
    except ClusterError as error:
        return f"can't see whether its workers wait: {error}"


def why_ended(pod: Any) -> str:
    """Why the step's container failed; empty where it did not."""
    if pod.status.reason in ("Evicted", "DeadlineExceeded", "NodeLost", "Preempting"):
        return f"{pod.status.reason}: {pod.status.message or ''}".rstrip(": ")
    state = state_of(pod)
    ended = state.terminated if state else None
    if ended is None or ended.exit_code == 0:
        return ""
    if ended.reason == "OOMKilled":
        return f"out of memory ({_memory(pod)}); give the step more in the profile, or the config less to do"
    if ended.message:
        return str(ended.message).strip()
    return f"ended with exit code {ended.exit_code} ({ended.reason})"


def _groups(cluster: KubernetesApi, selector: str) -> list[Mapping[str, Any]]:
    """The JobSets and Jobs that create workers; Kubernetes' own lists leave out `kind`."""
    jobs = cluster.list_objects(cluster.batch.list_namespaced_job, selector)
    return [
        *cluster.list_custom_objects(*JOBSET, selector),
        *({"kind": "Job", **cluster.to_json(each)} for each in jobs),
    ]


def _memory(pod: Any) -> str:
    container = container_of(pod)
    limits = (container.resources.limits if container and container.resources else None) or {}
    return f"its limit is {limits['memory']}" if "memory" in limits else "it has no limit; its node ran out"


def _of_kueue(cluster: KubernetesApi, pod: Any) -> str:
    """Kueue's message on the workload of a pod, or why that can't be read."""
    found = (cluster.list_custom_objects(WORKLOADS, version, "workloads") for version in ("v1beta2", "v1beta1"))
    try:
        workloads = next((each for each in found if each), [])
    except ClusterError as error:
        return f"can't see its workload: {error}"
    for workload in workloads:
        owners = workload["metadata"].get("ownerReferences", [])
        if any(owner.get("uid") == pod.metadata.uid for owner in owners):
            conditions = workload.get("status", {}).get("conditions", [])
            return next((str(each.get("message", "")) for each in conditions if each.get("status") == "False"), "")
    return ""
