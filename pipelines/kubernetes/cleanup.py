"""Deletes what a run that has ended left in the cluster: pods, and the Jobs and JobSets of several workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from components.multi_worker.manifests import JOBSET, RUN
from gan.errors import ClusterError, NotFoundError
from pipelines.kubernetes.api_groups import served

LONGEST_SECONDS = 300.0
EVERY_SECONDS = 1.0
JOBSETS, JOBS, PODS = "jobsets.jobset.x-k8s.io", "jobs.batch", "pods"


@dataclass(frozen=True)
class Deleted:
    """How many things were deleted, and the kinds that we may not look for."""

    count: int
    unseen: Sequence[str] = ()


@dataclass(frozen=True)
class _Left:
    """What there is of a run, by kind and name, and what deletes it: that which makes others comes first."""

    found: dict[str, Callable[[], Any]] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)


def delete_all(
    cluster: KubernetesApi, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Deleted:
    """Delete what there is of a run, and wait until it is gone.

    Raises:
        ClusterError: something does not go, or may not be deleted.
    """
    seen: set[str] = set()
    until = clock() + LONGEST_SECONDS
    while True:
        left = _look(cluster, run_id)
        if not left.found:
            return Deleted(len(seen), left.unseen)
        for name, delete in left.found.items():
            if name not in seen:
                seen.add(name)
                _ignoring_gone(cluster, delete)
        if clock() > until:
            makers = f"; {' and '.join(left.unseen)}, which may make them anew, are not ours to list" * bool(
                left.unseen
            )
            raise ClusterError(
                f"{', '.join(sorted(left.found))} of the run {run_id} can't be deleted; look with `kubectl -n "
                f"{cluster.namespace} describe` what holds them{makers}"
            )
        sleep(EVERY_SECONDS)


def _look(cluster: KubernetesApi, run_id: str) -> _Left:
    left, of_workers, space = _Left(), f"{RUN}={run_id}", cluster.namespace
    group, version, plural = JOBSET
    for jobset in _where_allowed(cluster, left, JOBSETS, lambda: cluster.list_custom_objects(*JOBSET, of_workers)):
        name = jobset["metadata"]["name"]
        left.found[f"jobset {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.custom.delete_namespaced_custom_object,
            group,
            version,
            space,
            plural,
            name,
            propagation_policy="Background",
        )
    list_jobs = cluster.batch.list_namespaced_job
    for job in _where_allowed(cluster, left, JOBS, lambda: cluster.list_objects(list_jobs, of_workers)):
        name = job.metadata.name
        left.found[f"job {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.batch.delete_namespaced_job, name, space, propagation_policy="Background"
        )
    list_pods = cluster.core.list_namespaced_pod
    for pod in _where_allowed(
        cluster, left, PODS, lambda: [*cluster.pods(run_id), *cluster.list_objects(list_pods, of_workers)]
    ):
        name = pod.metadata.name
        left.found[f"pod {name}"] = lambda name=name: cluster.call(  # type: ignore[misc]
            cluster.core.delete_namespaced_pod, name, space
        )
    return left


def _where_allowed(cluster: KubernetesApi, left: _Left, kind: str, look: Callable[[], list[Any]]) -> list[Any]:
    """What `look` finds of a kind."""
    try:
        return look()
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        group = kind.partition(".")[2]
        if not group or _is_installed(cluster, group):  # what is not is forbidden as well
            left.unseen.append(kind)
        return []


def _is_installed(cluster: KubernetesApi, group: str) -> bool:
    """Whether there are such kinds; True where nobody tells us."""
    try:
        return served(cluster, group) is not None
    except ApiStatusError:
        return True


def _ignoring_gone(cluster: KubernetesApi, delete: Callable[[], Any]) -> None:
    try:
        delete()
    except NotFoundError:
        return
