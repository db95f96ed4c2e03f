"""Checks of Kubernetes, for the pods of a profile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from components.kubernetes.api import KubernetesApi
from components.kubernetes.connect import open_cluster
from components.registry import STEPS
from pipelines.doctor import capacity, permissions, pod_config, prerequisites
from pipelines.doctor.check import NOT_TRIED, DoctorCheck, InconclusiveError, run_check, run_in_order
from pipelines.doctor.prerequisites import JOBSET, KUEUE, installed_version
from pipelines.profiles.profile import Profile
from pipelines.profiles.resources import Resources
from pipelines.schedule.time_zone import controller_zone

NamedCheck = tuple[str, Callable[[], str]]


def examine_kubernetes(
    namespace: str, profile: Profile, store: str, image: str | None, *, backend: str | None
) -> list[DoctorCheck]:
    """Every check of the cluster that the kubeconfig names.

    Args:
        namespace: of the runs' pods.
        profile: of these pods.
        store: its URI.
        image: of the steps; None to skip its check.
        backend: the version of Kubeflow Pipelines; None where it is not known.
    """
    clusters: list[KubernetesApi] = []

    def reach_it() -> str:
        clusters.append(open_cluster(namespace))
        return prerequisites.version(clusters[0])

    first = run_in_order(
        [("Kubernetes answers", reach_it), ("namespace", lambda: prerequisites.namespace(clusters[0]))]
    )
    if any(check.ok is False for check in first):
        return [*first, DoctorCheck("what runs need there", None, NOT_TRIED)]
    return first + [run_check(*each) for each in _checks(clusters[0], profile, store, image, backend)]


def _checks(
    cluster: KubernetesApi, profile: Profile, store: str, image: str | None, backend: str | None
) -> list[NamedCheck]:
    """Checks that do not depend on each other."""
    steps = {step: profile.resources(step) for step in STEPS}
    several = [resources for resources in steps.values() if resources.workers > 1]
    checks: list[NamedCheck] = [
        ("what the namespace admits", lambda: prerequisites.admission(cluster)),
        ("your permissions", lambda: _own_permissions(cluster)),
        ("permissions of the pods", lambda: _pod_permissions(cluster, profile, several)),
        ("credentials of the store", lambda: pod_config.store_secret(cluster, profile.store_secret, store, backend)),
        ("settings of the pods", lambda: pod_config.settings(cluster, profile.settings, backend)),
        ("Argo's controller", lambda: prerequisites.argo(cluster)),
        ("place of artifacts", lambda: prerequisites.launcher(cluster)),
        ("quota", lambda: capacity.quota(cluster, steps)),
        ("time zone of schedules", lambda: _zone(cluster)),
    ]
    checks += [(f"node for {name}", one) for name, one in _node_checks(cluster, steps)]
    for queue, priority in dict.fromkeys((each.queue, each.priority) for each in steps.values()):
        if queue is not None:
            checks.append(("Kueue", lambda q=queue, p=priority: prerequisites.kueue(cluster, q, p)))  # type: ignore[misc]
    for claim in dict.fromkeys(each.cache_claim for each in steps.values()):
        if claim is not None:
            checks.append(("volume of the cache", lambda c=claim: prerequisites.cache_claim(cluster, c)))  # type: ignore[misc]
    if several:
        checks.append(("workers", lambda: prerequisites.jobset(cluster, several[0])))
    pull_secret = profile.image_pull_secret
    if pull_secret is not None:
        checks.append(("secret to pull with", lambda: prerequisites.pull_secret(cluster, pull_secret)))
    if image is not None:
        checks.append(("image", lambda: prerequisites.image(cluster, image)))
    return checks


def _own_permissions(cluster: KubernetesApi) -> str:
    needed = permissions.OWN
    needed += permissions.OWN_FOR_JOBSETS if installed_version(cluster, JOBSET) else ()
    needed += permissions.OWN_FOR_KUEUE if installed_version(cluster, KUEUE) else ()
    return permissions.own_permissions(cluster, needed)


def _pod_permissions(cluster: KubernetesApi, profile: Profile, several: list[Resources]) -> str:
    needed = permissions.FOR_STEPS
    if several:
        needed += permissions.FOR_WORKERS
        needed += permissions.FOR_JOBSETS if installed_version(cluster, JOBSET) else ()
    return permissions.pod_permissions(cluster, profile.service_account, needed)


def _node_checks(cluster: KubernetesApi, steps: dict[str, Resources]) -> list[NamedCheck]:
    """One check for each kind of pod; steps with the same requests share one."""
    alike: dict[str, list[str]] = {}
    for step, resources in steps.items():
        wanted = (
            sorted(capacity.requests_of(resources).items()),
            resources.node_selector,
            resources.tolerations,
            resources.affinity,
        )
        alike.setdefault(repr(wanted), []).append(step)
    nodes = cache(lambda: capacity.nodes_of(cluster))
    autoscaled = cache(lambda: capacity.has_autoscaler(cluster))

    def place(step: str) -> Callable[[], str]:
        return lambda: capacity.check_node(nodes(), step, steps[step], autoscaled=autoscaled())

    return [(", ".join(names), place(names[0])) for names in alike.values()]


def _zone(cluster: KubernetesApi) -> str:
    zone = controller_zone(cluster.namespace, None)
    if zone.source.startswith("assumed"):
        raise InconclusiveError(f"{zone.name} is {zone.source}")
    return f"{zone.name} ({zone.source})"
