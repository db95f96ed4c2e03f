"""Several pods that train together get what the profile says; the step's own pod, which creates them, gets little."""

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
"""Of the pod that creates the workers. It uses 0.1 GB without TensorFlow, and more for the store's client."""


def coordinator(each: Resources, default: Resources) -> Resources:
    """What the step's own pod gets where `each` is what a worker gets.

    It is placed like a step with the resources `default`, or on any node if these have an accelerator.
    """
    anywhere = Resources()
    place = anywhere if default.accelerator else default
    where = {name: getattr(place, name) for name in ("node_selector", "tolerations", "affinity")}
    return replace(each, **COORDINATOR_RESOURCES, **where)


def annotation(each: Resources) -> str:
    """What a worker gets, as `components.multi_worker.manifests` reads it on the step's pod.

    It never has two braces side by side: Argo would replace what is between them.
    """
    wanted: dict[str, Any] = {
        "resources": _amounts(each),
        "nodeSelector": dict(each.node_selector),
        "tolerations": _tolerations(each),
        "affinity": _affinity(each.affinity),
        "sharedMemory": each.shared_memory,
    }
    given = {name: value for name, value in wanted.items() if value}
    return json.dumps(given, indent=0, separators=(",", ": ")).replace("\n", " ")


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
    """As Kubeflow writes the same terms: all of those without a weight must hold."""
    required = [term.expression() for term in terms if term.weight is None]
    preferred = [
        {"weight": term.weight, "preference": {"matchExpressions": [term.expression()]}}
        for term in terms
        if term.weight is not None
    ]
    made: dict[str, Any] = {}
    if required:
        made["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [{"matchExpressions": required}]}
    if preferred:
        made["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    return {"nodeAffinity": made} if made else {}
