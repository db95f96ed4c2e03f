"""Why a pod has not started, in one sentence from what Kubernetes says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

STARTING = ("PodInitializing", "ContainerCreating")
_IMAGE = "check that the image exists and that the node may pull it"
HINTS = {
    "ImagePullBackOff": _IMAGE,
    "ErrImagePull": _IMAGE,
    "ErrImageNeverPull": "load the image into the cluster",
    "InvalidImageName": "give another --image",
    "CreateContainerConfigError": "create it, and the pod starts by itself",
}


def why_pending(pod: Mapping[str, Any], kueue_reason: Callable[[], str] = lambda: "") -> str:
    """Why a pod has not started; empty where it has, or is starting.

    Args:
        pod: as JSON.
        kueue_reason: what Kueue says of the pod's workload, empty for nothing; called only where Kueue holds it back.
    """
    status = pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            if condition.get("reason") == "SchedulingGated":
                return f"held back by Kueue: {kueue_reason() or 'its queue has not admitted it'}"
            if condition.get("reason") != "Scheduled":
                return f"no node takes it: {_without_repetition(condition.get('message'))}"
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason")
        if reason and reason not in STARTING:
            said = f"{reason}: {waiting['message']}" if waiting.get("message") else str(reason)
            return f"{said}; {HINTS[reason]}" if reason in HINTS else said
    return ""


def _without_repetition(message: str | None) -> str:
    """The scheduler's reason, without its remarks on claims and preemption, which only repeat it."""
    return re.split(r"[.,] (?:no new claims|preemption:)", message or "no reason given")[0].strip()
