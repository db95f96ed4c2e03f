"""Will Kubernetes run the pods of a run? Every check of it, for a profile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from components.kubernetes.api import KubernetesApi
from components.kubernetes.connect import open_cluster
from components.registry import COMPONENTS
from pipelines.doctor import capacity, permissions, pod_config, prerequisites
from pipelines.doctor.check import NOT_TRIED, DoctorCheck, InconclusiveError, in_order, tried
from pipelines.profiles.profile import Profile
from pipelines.profiles.resources import Resources
from pipelines.schedule.time_zone import controller_zone

Trial = tuple[str, Callable[[], str]]


def examine_kubernetes(
    namespace: str, profile: Profile, store: str, image: str | None, *, backend: str | None
) -> list[DoctorCheck]:
    """Every check of the cluster that the kubeconfig names.

    Args:
        namespace: where runs have their pods.
        profile: what these ask for.
        store: its URI.
        image: that of the steps; None where it is not to be looked for.
        backend: the version of Kubeflow Pipelines that makes the pods; None where it is not known.
    """
    clusters: list[KubernetesApi] = []

    def reach_it() -> str:
        clusters.append(open_cluster(namespace))
        return prerequisites.version(clusters[0])

    ground = in_order([("Kubernetes answers", reach_it), ("namespace", lambda: prerequisites.namespace(clusters[0]))])
    if any(check.ok is False for check in ground):
        return [*ground, DoctorCheck("what runs need there", None, NOT_TRIED)]
    return ground + [tried(*trial) for trial in _trials(clusters[0], profile, store, image, backend)]


def _trials(
    cluster: KubernetesApi, profile: Profile, store: str, image: str | None, backend: str | None
) -> list[Trial]:
    """Each stands for itself."""
    steps = {step: profile.resources(step) for step in COMPONENTS}
    several = [resources for resources in steps.values() if resources.workers > 1]
    trials: list[Trial] = [
        ("what the namespace admits", lambda: prerequisites.admission(cluster)),
        ("our rights", lambda: _our_rights(cluster)),
        ("rights of the pods", lambda: _rights(cluster, profile, several)),
        ("credentials of the store", lambda: pod_config.store_secret(cluster, profile.store_secret, store, backend)),
        ("settings of the pods", lambda: pod_config.settings(cluster, profile.settings, backend)),
        ("Argo's controller", lambda: prerequisites.argo(cluster)),
        ("place of artifacts", lambda: prerequisites.launcher(cluster)),
        ("quota", lambda: capacity.quota(cluster, steps)),
        ("time zone of schedules", lambda: " ".join(_zone(cluster))),
    ]
    trials += [(f"node for {name}", one) for name, one in _places(cluster, steps)]
    for queue, priority in dict.fromkeys((each.queue, each.priority) for each in steps.values()):
        if queue is not None:
            trials.append(("Kueue", lambda q=queue, p=priority: prerequisites.kueue(cluster, q, p)))  # type: ignore[misc]
    for claim in dict.fromkeys(each.cache_claim for each in steps.values()):
        if claim is not None:
            trials.append(("volume of the cache", lambda c=claim: prerequisites.cache_claim(cluster, c)))  # type: ignore[misc]
    if several:
        trials.append(("workers", lambda: prerequisites.jobset(cluster, several[0])))
    pull_secret = profile.image_pull_secret
    if pull_secret is not None:
        trials.append(("secret to pull with", lambda: prerequisites.pull_secret(cluster, pull_secret)))
    if image is not None:
        trials.append(("image", lambda: prerequisites.image(cluster, image)))
    return trials


def _our_rights(cluster: KubernetesApi) -> str:
    needed = permissions.OURS
    needed += permissions.OURS_OF_JOBSETS if prerequisites.has_jobsets(cluster) else ()
    needed += permissions.OURS_OF_KUEUE if prerequisites.has_kueue(cluster) else ()
    return permissions.our_rights(cluster, needed)


def _rights(cluster: KubernetesApi, profile: Profile, several: list[Resources]) -> str:
    needed = permissions.OF_STEPS
    if several:
        needed += permissions.OF_WORKERS + (permissions.OF_JOBSETS if prerequisites.has_jobsets(cluster) else ())
    return permissions.rights_of_pods(cluster, profile.service_account, needed)


def _places(cluster: KubernetesApi, steps: dict[str, Resources]) -> list[Trial]:
    """One trial for each kind of pod; steps that ask for the same are one."""
    alike: dict[str, list[str]] = {}
    for step, resources in steps.items():
        wanted = (
            sorted(capacity.asked(resources).items()),
            resources.node_selector,
            resources.tolerations,
            resources.affinity,
        )
        alike.setdefault(repr(wanted), []).append(step)
    nodes = cache(lambda: capacity.nodes_of(cluster))
    growing = cache(lambda: capacity.grows(cluster))

    def place(step: str) -> Callable[[], str]:
        return lambda: capacity.room(nodes(), step, steps[step], growing=growing())

    return [(", ".join(names), place(names[0])) for names in alike.values()]


def _zone(cluster: KubernetesApi) -> tuple[str, str]:
    zone = controller_zone(cluster.namespace, None)
    if zone.source.startswith("assumed"):
        raise InconclusiveError(f"{zone.name} is {zone.source}")
    return zone.name, f"({zone.source})"
