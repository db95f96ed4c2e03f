"""Ends what a run is at work on, so that it can still save what it has."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from gan.errors import NotFoundError
from pipelines.kubernetes import workflow
from pipelines.kubernetes.step_pods import state_of, step_of

LONGEST_SECONDS = 90.0  # beyond the grace of a step's pod, see k8s/workflow-controller.yaml
EVERY_SECONDS = 1.0
ENDED = ("Succeeded", "Failed", "Error")


def stop_steps(cluster: KubernetesApi, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Delete the pods of the steps that run, and wait until these have ended, a minute and a half at most.

    When Kubeflow stops a run it gives a step no time: Argo signals Kubeflow's launcher, which dies at once and takes
    the container along. A pod that is deleted has its grace. Whoever may not list or delete pods can't give it.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    told: set[str] = set()
    until = clock() + LONGEST_SECONDS
    try:
        while (going := [pod for pod in cluster.pods(run_id) if _goes_on(pod)]) and clock() < until:
            for name in {pod.metadata.name for pod in going} - told:
                told.add(name)
                _delete(cluster, name)
            sleep(EVERY_SECONDS)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise


def not_stopped(cluster: KubernetesApi, run_id: str) -> str:
    """The name of the run's workflow where it goes on and nobody has stopped it; else empty.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    flow = workflow.living(cluster, run_id)
    over = not flow or flow.get("status", {}).get("phase") in ENDED
    return "" if over or workflow.was_terminated(flow) else str(flow["metadata"]["name"])


def is_elsewhere(cluster: KubernetesApi, run_id: str) -> bool:
    """Whether a run that goes on has no workflow here: then this is another namespace or cluster than that of its pods.

    Whoever may not look at workflows can't tell.

    Raises:
        ClusterError: Kubernetes can't be reached.
    """
    try:
        return not workflow.living(cluster, run_id)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return False


def stop_workflow(cluster: KubernetesApi, name: str) -> None:
    """Stop a workflow just as Kubeflow does: one that is stopped by its `shutdown` can't be retried.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    group, version, plural = workflow.WORKFLOWS
    patch = {"spec": {"activeDeadlineSeconds": 0}}
    method = cluster.custom.patch_namespaced_custom_object
    try:
        cluster.call(method, group, version, cluster.namespace, plural, name, patch)
    except NotFoundError:
        return  # it has ended by itself just now


def _delete(cluster: KubernetesApi, pod: str) -> None:
    try:
        cluster.call(cluster.core.delete_namespaced_pod, pod, cluster.namespace)
    except NotFoundError:
        return  # it has ended by itself just now


def _goes_on(pod: Any) -> bool:
    state = state_of(pod)
    return bool(step_of(pod)) and state is not None and state.running is not None
