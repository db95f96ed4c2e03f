"""Stops the running steps of a run, with time to save."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from gan.errors import NotFoundError
from pipelines.kubernetes import workflow
from pipelines.kubernetes.step_pods import state_of, step_of

TIMEOUT_SECONDS = 90.0  # beyond the grace of a step's pod, see k8s/workflow-controller.yaml
POLL_INTERVAL_SECONDS = 1.0
ENDED = ("Succeeded", "Failed", "Error")


def stop_steps(cluster: KubernetesApi, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Delete the pods of the running steps, and wait until they have ended, for at most 90 seconds.

    Kubeflow's own termination gives a step no time: Argo signals Kubeflow's launcher, which dies at once and takes the
    container along. A pod that is deleted has its grace. Without permission to list or delete pods this does nothing.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    deleted: set[str] = set()
    deadline = clock() + TIMEOUT_SECONDS
    try:
        while (running := [pod for pod in cluster.pods(run_id) if _is_running(pod)]) and clock() < deadline:
            for name in {pod.metadata.name for pod in running} - deleted:
                deleted.add(name)
                _delete(cluster, name)
            sleep(POLL_INTERVAL_SECONDS)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise


def unstopped_workflow(cluster: KubernetesApi, run_id: str) -> str:
    """The name of the run's workflow where it is unfinished and nobody has stopped it; else empty.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    flow = workflow.live(cluster, run_id)
    ended = not flow or flow.get("status", {}).get("phase") in ENDED
    return "" if ended or workflow.was_terminated(flow) else str(flow["metadata"]["name"])


def runs_elsewhere(cluster: KubernetesApi, run_id: str) -> bool:
    """Whether an unfinished run has no workflow here: then its pods are in another namespace or cluster.

    False without permission to list workflows.

    Raises:
        ClusterError: Kubernetes can't be reached.
    """
    try:
        return not workflow.live(cluster, run_id)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return False


def stop_workflow(cluster: KubernetesApi, name: str) -> None:
    """Stop a workflow as Kubeflow does; one stopped by `shutdown` can't be retried.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    group, version, plural = workflow.WORKFLOWS
    patch = {"spec": {"activeDeadlineSeconds": 0}}
    method = cluster.custom.patch_namespaced_custom_object
    try:
        cluster.call(method, group, version, cluster.namespace, plural, name, patch)
    except NotFoundError:
        return  # it has just ended by itself


def _delete(cluster: KubernetesApi, pod: str) -> None:
    try:
        cluster.call(cluster.core.delete_namespaced_pod, pod, cluster.namespace)
    except NotFoundError:
        return  # it has just ended by itself


def _is_running(pod: Any) -> bool:
    state = state_of(pod)
    return bool(step_of(pod)) and state is not None and state.running is not None
