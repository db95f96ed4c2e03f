"""Deletes what an ended run left in the cluster: pods, and the Jobs and JobSets of several workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from components.multi_worker.manifests import JOBSET, RUN
from gan.errors import ClusterError, NotFoundError
from pipelines.kubernetes.api_groups import preferred_version

TIMEOUT_SECONDS = 300.0
POLL_INTERVAL_SECONDS = 1.0
JOBSETS, JOBS, PODS = "jobsets.jobset.x-k8s.io", "jobs.batch", "pods"


@dataclass(frozen=True)
class Deleted:
    """How many objects were deleted, and the kinds that we have no permission to list."""

    count: int
    not_listed: Sequence[str] = ()


@dataclass(frozen=True)
class _Remaining:
    """What exists of a run: functions that delete, by kind and name, those that would recreate others first."""

    found: dict[str, Callable[[], Any]] = field(default_factory=dict)
    not_listed: list[str] = field(default_factory=list)


def delete_all(
    cluster: KubernetesApi, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Deleted:
    """Delete what exists of a run, and wait until it is gone.

    Raises:
        ClusterError: something can't be deleted, or is still there after five minutes.
    """
    deleted: set[str] = set()
    deadline = clock() + TIMEOUT_SECONDS
    while True:
        remaining = _find(cluster, run_id)
        if not remaining.found:
            return Deleted(len(deleted), remaining.not_listed)
        for name, delete in remaining.found.items():
            if name not in deleted:
                deleted.add(name)
                _ignoring_gone(cluster, delete)
        if clock() > deadline:
            kinds = " and ".join(remaining.not_listed)
            recreated = f"; it may be recreated by {kinds}, which we have no permission to list" if kinds else ""
            raise ClusterError(
                f"{', '.join(sorted(remaining.found))} of the run {run_id} can't be deleted; see what blocks it with "
                f"`kubectl -n {cluster.namespace} describe`{recreated}"
            )
        sleep(POLL_INTERVAL_SECONDS)


def _find(cluster: KubernetesApi, run_id: str) -> _Remaining:
    remaining, worker_selector, namespace = _Remaining(), f"{RUN}={run_id}", cluster.namespace
    group, version, plural = JOBSET
    for jobset in _list_if_allowed(
        cluster, remaining, JOBSETS, lambda: cluster.list_custom_objects(*JOBSET, worker_selector)
    ):
        name = jobset["metadata"]["name"]
        remaining.found[f"jobset {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.custom.delete_namespaced_custom_object,
            group,
            version,
            namespace,
            plural,
            name,
            propagation_policy="Background",
        )
    list_jobs = cluster.batch.list_namespaced_job
    for job in _list_if_allowed(cluster, remaining, JOBS, lambda: cluster.list_objects(list_jobs, worker_selector)):
        name = job.metadata.name
        remaining.found[f"job {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.batch.delete_namespaced_job, name, namespace, propagation_policy="Background"
        )
    list_pods = cluster.core.list_namespaced_pod
    for pod in _list_if_allowed(
        cluster, remaining, PODS, lambda: [*cluster.pods(run_id), *cluster.list_objects(list_pods, worker_selector)]
    ):
        name = pod.metadata.name
        remaining.found[f"pod {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.core.delete_namespaced_pod, name, namespace
        )
    return remaining


def _list_if_allowed(
    cluster: KubernetesApi, remaining: _Remaining, kind: str, find: Callable[[], list[Any]]
) -> list[Any]:
    """What `find` returns; nothing, and a note, where we have no permission."""
    try:
        return find()
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        group = kind.partition(".")[2]
        if not group or _is_installed(cluster, group):  # listing a kind that is not installed is forbidden as well
            remaining.not_listed.append(kind)
        return []


def _is_installed(cluster: KubernetesApi, group: str) -> bool:
    """Whether an API group is installed; True where we have no permission to ask."""
    try:
        return preferred_version(cluster, group) is not None
    except ApiStatusError:
        return True


def _ignoring_gone(cluster: KubernetesApi, delete: Callable[[], Any]) -> None:
    try:
        delete()
    except NotFoundError:
        return
