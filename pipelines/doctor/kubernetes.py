"""Will Kubernetes run the pods of a run? Every check of it, for a profile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from components.registry import COMPONENTS
from pipelines.client.cluster import Cluster, reach
from pipelines.doctor import installed, rights, room, variables
from pipelines.doctor.check import NOT_TRIED, Check, NotSeenError, in_order, tried
from pipelines.profiles import Profile
from pipelines.resources import Resources
from pipelines.schedule.zone import controller_zone

Trial = tuple[str, Callable[[], str]]


def examine_kubernetes(
    namespace: str, profile: Profile, store: str, image: str | None, *, backend: str | None
) -> list[Check]:
    """Every check of the cluster that the kubeconfig names.

    Args:
        namespace: where runs have their pods.
        profile: what these ask for.
        store: its URI.
        image: that of the steps; None where it is not to be looked for.
        backend: the version of Kubeflow Pipelines that makes the pods; None where it is not known.
    """
    clusters: list[Cluster] = []

    def reach_it() -> str:
        clusters.append(reach(namespace))
        return installed.version(clusters[0])

    ground = in_order([("Kubernetes answers", reach_it), ("namespace", lambda: installed.namespace(clusters[0]))])
    if any(check.ok is False for check in ground):
        return [*ground, Check("what runs need there", None, NOT_TRIED)]
    return ground + [tried(*trial) for trial in _trials(clusters[0], profile, store, image, backend)]


def _trials(cluster: Cluster, profile: Profile, store: str, image: str | None, backend: str | None) -> list[Trial]:
    """Each stands for itself."""
    steps = {step: profile.resources(step) for step in COMPONENTS}
    several = [resources for resources in steps.values() if resources.workers > 1]
    trials: list[Trial] = [
        ("what the namespace admits", lambda: installed.admission(cluster)),
        ("our rights", lambda: _our_rights(cluster)),
        ("rights of the pods", lambda: _rights(cluster, profile, several)),
        ("credentials of the store", lambda: variables.store_secret(cluster, profile.store_secret, store, backend)),
        ("settings of the pods", lambda: variables.settings(cluster, profile.settings, backend)),
        ("Argo's controller", lambda: installed.argo(cluster)),
        ("place of artifacts", lambda: installed.launcher(cluster)),
        ("quota", lambda: room.quota(cluster, steps)),
        ("time zone of schedules", lambda: " ".join(_zone(cluster))),
    ]
    trials += [(f"node for {name}", one) for name, one in _places(cluster, steps)]
    for queue, priority in dict.fromkeys((each.queue, each.priority) for each in steps.values()):
        if queue is not None:
            trials.append(("Kueue", lambda q=queue, p=priority: installed.kueue(cluster, q, p)))  # type: ignore[misc]
    for claim in dict.fromkeys(each.cache_claim for each in steps.values()):
        if claim is not None:
            trials.append(("volume of the cache", lambda c=claim: installed.cache_claim(cluster, c)))  # type: ignore[misc]
    if several:
        trials.append(("workers", lambda: installed.jobset(cluster, several[0])))
    pull_secret = profile.image_pull_secret
    if pull_secret is not None:
        trials.append(("secret to pull with", lambda: installed.pull_secret(cluster, pull_secret)))
    if image is not None:
        trials.append(("image", lambda: installed.image(cluster, image)))
    return trials


def _our_rights(cluster: Cluster) -> str:
    needed = rights.OURS
    needed += rights.OURS_OF_JOBSETS if installed.has_jobsets(cluster) else ()
    needed += rights.OURS_OF_KUEUE if installed.has_kueue(cluster) else ()
    return rights.our_rights(cluster, needed)


def _rights(cluster: Cluster, profile: Profile, several: list[Resources]) -> str:
    needed = rights.OF_STEPS
    if several:
        needed += rights.OF_WORKERS + (rights.OF_JOBSETS if installed.has_jobsets(cluster) else ())
    return rights.rights_of_pods(cluster, profile.service_account, needed)


def _places(cluster: Cluster, steps: dict[str, Resources]) -> list[Trial]:
    """One trial for each kind of pod; steps that ask for the same are one."""
    alike: dict[str, list[str]] = {}
    for step, resources in steps.items():
        wanted = (
            sorted(room.asked(resources).items()),
            resources.node_selector,
            resources.tolerations,
            resources.affinity,
        )
        alike.setdefault(repr(wanted), []).append(step)
    nodes = cache(lambda: room.nodes_of(cluster))
    growing = cache(lambda: room.grows(cluster))

    def place(step: str) -> Callable[[], str]:
        return lambda: room.room(nodes(), step, steps[step], growing=growing())

    return [(", ".join(names), place(names[0])) for names in alike.values()]


def _zone(cluster: Cluster) -> tuple[str, str]:
    zone = controller_zone(cluster.namespace, None)
    if zone.source.startswith("assumed"):
        raise NotSeenError(f"{zone.name} is {zone.source}")
    return zone.name, f"({zone.source})"
