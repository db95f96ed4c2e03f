"""A run's Argo workflow: the state of each task, and why it waits. Kubeflow's own list of tasks has less.

Kubeflow's API server stores the last state that was reported to it; Kubernetes has the live one, until a day after the
run's end.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.runtime.pod_metadata import RUN_ID_LABEL

WORKFLOWS = ("argoproj.io", "v1alpha1", "workflows")
_EXECUTOR = re.compile(r"(?P<task>.+\.(?P<step>[^.]+)\.executor)(\((?P<attempt>\d+)\))?")
_DRIVER = re.compile(r"(?P<task>.+\.(?P<step>[^.]+)-driver)(\((?P<attempt>\d+)\))?")


@dataclass(frozen=True)
class WorkflowNode:
    """One task of the workflow. `task` is its name without the number of the attempt.

    `unfinished`: it has not ended, also between two attempts; meanwhile `phase` is that of its last pod. `pods` counts
    those since the run began or was last retried; `host` is the node of the last one.
    """

    task: str
    step: str
    phase: str
    unfinished: bool
    message: str
    began_at: str
    ended_at: str
    host: str
    pods: int


def live(cluster: KubernetesApi, run_id: str) -> dict[str, Any]:
    """The workflow in Kubernetes; empty where it no longer exists."""
    return next(iter(cluster.list_custom_objects(*WORKFLOWS, f"{RUN_ID_LABEL}={run_id}")), {})


def was_terminated(workflow: Mapping[str, Any]) -> bool:
    """Whether somebody stopped the run: only a termination sets the deadline to zero."""
    return bool(workflow.get("spec", {}).get("activeDeadlineSeconds") == 0)


def message(workflow: Mapping[str, Any]) -> str:
    """Argo's message on the workflow as a whole."""
    return str(workflow.get("status", {}).get("message") or "")


def nodes(workflow: Mapping[str, Any]) -> list[WorkflowNode]:
    """The tasks that run our steps, in the order in which they began."""
    return _tasks(workflow, _EXECUTOR)


def waiting_drivers(workflow: Mapping[str, Any]) -> list[WorkflowNode]:
    """Kubeflow's own tasks that have not begun; each comes before a step, the first one, `root`, before all."""
    return [node for node in _tasks(workflow, _DRIVER) if node.phase == "Pending"]


def _tasks(workflow: Mapping[str, Any], kind: re.Pattern[str]) -> list[WorkflowNode]:
    tasks: dict[str, list[tuple[dict[str, Any], re.Match[str]]]] = {}
    for node in _nodes(workflow.get("status", {})):
        match = kind.fullmatch(str(node.get("name", "")))
        if match:
            tasks.setdefault(match["task"], []).append((node, match))
    return sorted((_node(task, parts) for task, parts in tasks.items()), key=lambda node: (node.began_at, node.task))


def _node(task: str, parts: list[tuple[dict[str, Any], re.Match[str]]]) -> WorkflowNode:
    """A task with retries has a node for the whole and one for each pod; without, only that of its pod."""
    pods = sorted((int(match["attempt"] or 0), node) for node, match in parts if node.get("type") == "Pod")
    whole = next((node for node, match in parts if match["attempt"] is None), parts[-1][0])
    last = pods[-1][1] if pods else whole
    unfinished = whole.get("phase") in ("Running", "Pending", "", None)
    return WorkflowNode(
        task=task,
        step=parts[0][1]["step"],
        phase=str((last if unfinished else whole).get("phase") or "Pending"),
        unfinished=unfinished,
        message=str(last.get("message") or whole.get("message") or ""),
        began_at=str(whole.get("startedAt") or ""),
        ended_at=str(whole.get("finishedAt") or ""),
        host=str(last.get("hostNodeName") or ""),
        pods=len(pods),
    )


def _nodes(status: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a workflow; Argo compresses those of a large one."""
    found = status.get("nodes")
    if not found and status.get("compressedNodes"):
        try:
            found = json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
        except (ValueError, OSError, binascii.Error, EOFError):
            found = {}
    yield from (found or {}).values()
