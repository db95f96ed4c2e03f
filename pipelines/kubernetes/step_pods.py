"""What the pods of a run's steps have in common: whose they are, in which order they came, and how their step is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from components.runtime.attempt_log import RETRY
from components.runtime.pod_metadata import CONTAINER, NODE_NAME, STEP


def step_of(pod: Any) -> str:
    """The step that a pod belongs to; empty for one of Kubeflow's own."""
    return str((pod.metadata.labels or {}).get(STEP, ""))


def task_of(pod: Any) -> str:
    """The task that a pod is an attempt at, as Argo and the ledger name it; empty for a pod that is not Argo's.

    A loop has numbers of its own inside the name: `...iterations(0:0).iteration-item.trial.executor(1)`.
    """
    name = str((pod.metadata.annotations or {}).get(NODE_NAME, ""))
    retried = RETRY.fullmatch(name)
    return retried[1] if retried else name


def oldest_first(pods: Iterable[Any]) -> list[Any]:
    """Pods in the order in which they were made."""
    return sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name))


def container_of(pod: Any) -> Any | None:
    """The container of a pod that the step itself runs in; None where there is none."""
    return next((each for each in pod.spec.containers if each.name == CONTAINER), None)


def state_of(pod: Any) -> Any | None:
    """How that container is: `waiting`, `running` or `terminated`; None where nothing is known of it yet."""
    return next((each.state for each in pod.status.container_statuses or [] if each.name == CONTAINER), None)
