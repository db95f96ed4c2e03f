"""Several pods that train together: the step's own pod makes them and needs little; what the profile says is theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pipelines.profiles.resources import NodeTerm, Resources

COORDINATOR_RESOURCES: dict[str, Any] = {
    "cpu": "250m",
    "cpu_limit": "1",
    "memory": "1Gi",
    "accelerator": None,
    "shared_memory": None,
}
"""What the pod that makes the workers asks for. It takes 0.1 GB without TensorFlow, and more for the store's client."""


def coordinator(each: Resources, default: Resources) -> Resources:
    """What the step's own pod gets where `each` is what a worker gets.

    It is placed as a step is that the profile says nothing of, which gets `default`; or, where such steps ask for an
    accelerator, on any node.
    """
    anywhere = Resources()
    place = anywhere if default.accelerator else default
    where = {name: getattr(place, name) for name in ("node_selector", "tolerations", "affinity")}
    return replace(each, **COORDINATOR_RESOURCES, **where)


def annotation(each: Resources) -> str:
    """What a worker gets, as `components.multi_worker.manifests` reads it on the step's pod.

    No two braces stand side by side in it: they mean something to Argo.
    """
    words: dict[str, Any] = {
        "resources": _amounts(each),
        "nodeSelector": dict(each.node_selector),
        "tolerations": _tolerations(each),
        "affinity": _affinity(each.affinity),
        "sharedMemory": each.shared_memory,
    }
    said = {name: value for name, value in words.items() if value}
    return json.dumps(said, indent=0, separators=(",", ": ")).replace("\n", " ")


def _tolerations(resources: Resources) -> list[dict[str, str]]:
    made = []
    for one in resources.tolerations:
        value = {"operator": "Exists"} if one.value is None else {"operator": "Equal", "value": one.value}
        made.append({"key": one.key, **value, "effect": one.effect})
    return made


def _amounts(each: Resources) -> dict[str, Any]:
    devices = {each.accelerator: str(each.accelerator_count)} if each.accelerator else {}
    return {
        "requests": {"cpu": each.cpu, "memory": each.memory, **devices},
        "limits": {"cpu": each.cpu_limit or each.cpu, "memory": each.memory, **devices},
    }


def _affinity(terms: tuple[NodeTerm, ...]) -> dict[str, Any]:
    """As Kubeflow makes it of the same terms: all of those without a weight must hold."""
    must = [term.expression() for term in terms if term.weight is None]
    better = [
        {"weight": term.weight, "preference": {"matchExpressions": [term.expression()]}}
        for term in terms
        if term.weight is not None
    ]
    made: dict[str, Any] = {}
    if must:
        made["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [{"matchExpressions": must}]}
    if better:
        made["preferredDuringSchedulingIgnoredDuringExecution"] = better
    return {"nodeAffinity": made} if made else {}
