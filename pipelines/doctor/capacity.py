"""Checks that a node takes each step's pod, and that the quota admits it. A busy node is fine: a run waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError, NotFoundError
from pipelines.doctor.check import InconclusiveError, checked_call
from pipelines.profiles.resources import NodeTerm, Resources

Amounts = Mapping[str, Decimal]
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class ClusterNode:
    """A node: `allocatable` is what its pods can request in all, `free` what they have not."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Any, ...]
    allocatable: Amounts
    free: Amounts


def nodes_of(cluster: KubernetesApi) -> list[ClusterNode]:
    """Every schedulable node.

    Raises:
        InconclusiveError: we may not list them.
    """
    nodes = [node for node in checked_call(cluster, cluster.core.list_node).items if not node.spec.unschedulable]
    taken: dict[str, dict[str, Decimal]] = {}
    for pod in checked_call(cluster, cluster.core.list_pod_for_all_namespaces).items:
        if pod.status.phase not in ENDED and pod.spec.node_name:
            sums = taken.setdefault(pod.spec.node_name, {})
            for container in pod.spec.containers:
                for name, amount in ((container.resources and container.resources.requests) or {}).items():
                    sums[name] = sums.get(name, Decimal(0)) + parse_quantity(amount)
    return [_node(node, taken.get(node.metadata.name, {})) for node in nodes]


def _node(node: Any, taken: Amounts) -> ClusterNode:
    allocatable = {name: parse_quantity(amount) for name, amount in (node.status.allocatable or {}).items()}
    free = {name: amount - taken.get(name, Decimal(0)) for name, amount in allocatable.items()}
    return ClusterNode(node.metadata.name, node.metadata.labels or {}, tuple(node.spec.taints or ()), allocatable, free)


def requests_of(resources: Resources) -> dict[str, Decimal]:
    """The resource requests of a step's pod."""
    amounts = {"cpu": parse_quantity(resources.cpu), "memory": parse_quantity(resources.memory)}
    if resources.accelerator:
        amounts[resources.accelerator] = Decimal(resources.accelerator_count)
    return amounts


def has_autoscaler(cluster: KubernetesApi) -> bool:
    """Whether the cluster autoscaler, which writes this ConfigMap, may add nodes."""
    method = cluster.core.read_namespaced_config_map
    try:
        checked_call(cluster, method, "cluster-autoscaler-status", "kube-system")
    except (NotFoundError, InconclusiveError):
        return False
    return True


def check_node(nodes: list[ClusterNode], step: str, resources: Resources, *, autoscaled: bool) -> str:
    """How many nodes take the step's pod, and how many have room for it now.

    Args:
        nodes: of the cluster.
        step: of the pod.
        resources: of the pod.
        autoscaled: whether the cluster may add nodes.

    Raises:
        ClusterError: no node ever takes it.
        InconclusiveError: no present node does, but the autoscaler may add one.
    """
    wanted = requests_of(resources)
    eligible = [node for node in nodes if _is_eligible(node, resources)]
    able = [node for node in eligible if _fits(node.allocatable, wanted)]
    words = ", ".join(f"{name} {_short(amount)}" for name, amount in wanted.items())
    if not able:
        where = ", ".join(f"{name}={value}" for name, value in resources.node_selector.items()) or "any"
        most = {
            name: max((node.allocatable.get(name, Decimal(0)) for node in eligible), default=Decimal(0))
            for name in wanted
        }
        have = ", ".join(f"{name} {_short(amount)}" for name, amount in most.items())
        why = (
            f"the largest of {len(eligible)} has {have}"
            if eligible
            else f"none of {len(nodes)} has its labels and taints"
        )
        said = f"no node takes the pod of {step} ({words}; node labels {where}): {why}"
        if autoscaled:
            raise InconclusiveError(f"{said}. The autoscaler adds one where a node pool allows it: check that one does")
        raise ClusterError(f"{said}; add such a node pool, or give a --profile that asks for less")
    free = [node for node in able if _fits(node.free, wanted)]
    accelerator = resources.accelerator
    if accelerator:
        left = _sum(accelerator, [node.free for node in able])
        total = _sum(accelerator, [node.allocatable for node in able])
        words += f"; {_short(left)} of {_short(total)} {accelerator} free"
    now = f"{len(free)} with room now" if free else "none with room now, so it will wait"
    return f"{step} ({words}): {len(able)} of {len(nodes)} nodes take it, {now}"


def _sum(name: str, sides: list[Amounts]) -> Decimal:
    return sum((side.get(name, Decimal(0)) for side in sides), Decimal(0))


def quota(cluster: KubernetesApi, steps: Mapping[str, Resources]) -> str:
    """Whether the namespace's quotas admit each step's pods.

    Raises:
        ClusterError: one never will.
        InconclusiveError: we may not list them.
    """
    found = checked_call(cluster, cluster.core.list_namespaced_resource_quota, cluster.namespace).items
    waits = []
    for item in found:
        hard = {name: parse_quantity(amount) for name, amount in (item.status.hard or {}).items()}
        used = {name: parse_quantity(amount) for name, amount in (item.status.used or {}).items()}
        for step, resources in steps.items():
            for name, one in requests_of(resources).items():
                key, amount = f"requests.{name}", one * resources.workers
                if amount > hard.get(key, amount):
                    raise ClusterError(
                        f"quota {item.metadata.name} allows {key} of {_short(hard[key])} in {cluster.namespace}, and "
                        f"{step} asks for {_short(amount)}; raise it (`kubectl -n {cluster.namespace} edit "
                        f"resourcequota {item.metadata.name}`), or give a --profile that asks for less"
                    )
                if amount + used.get(key, Decimal(0)) > hard.get(key, amount + used.get(key, Decimal(0))):
                    waits.append(f"{step} waits for {key}")
    if not found:
        return f"{cluster.namespace} has none"
    names = ", ".join(item.metadata.name for item in found)
    return f"{names} allow every step" + (f"; now {', '.join(waits)}" if waits else "")


def _fits(has: Amounts, wanted: Amounts) -> bool:
    return all(has.get(name, Decimal(0)) >= amount for name, amount in wanted.items())


def _is_eligible(node: ClusterNode, resources: Resources) -> bool:
    labels = node.labels
    selected = all(labels.get(name) == value for name, value in resources.node_selector.items())
    terms = [term for term in resources.affinity if term.weight is None]
    return (
        selected
        and all(_matches(term, labels) for term in terms)
        and all(_tolerated(t, resources) for t in node.taints)
    )


def _matches(term: NodeTerm, labels: Mapping[str, str]) -> bool:
    value = labels.get(term.key)
    if term.operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (term.operator == "Exists")
    if term.operator in ("In", "NotIn"):
        return (value in term.values) == (term.operator == "In")
    if value is None or not value.lstrip("-").isdigit():
        return False
    number, bound = int(value), int(term.values[0])
    return number > bound if term.operator == "Gt" else number < bound


def _tolerated(taint: Any, resources: Resources) -> bool:
    """GKE adds the toleration of an accelerator's own taint to pods that request it."""
    if taint.effect == "PreferNoSchedule" or taint.key == resources.accelerator:
        return True
    return any(
        each.key == taint.key and each.effect == taint.effect and each.value in (None, taint.value)
        for each in resources.tolerations
    )


def _short(amount: Decimal) -> str:
    """An amount for people; bytes in Gi."""
    gibibytes = amount / Decimal(1 << 30)
    return f"{gibibytes:.1f}Gi" if gibibytes >= Decimal("0.1") else f"{amount.normalize():f}"
