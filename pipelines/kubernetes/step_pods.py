"""Pods of a run's steps: their step and task, their order, and the state of the step's container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from components.runtime.attempt_log import RETRY
from components.runtime.pod_metadata import CONTAINER, NODE_NAME, STEP


def step_of(pod: Any) -> str:
    """The step of a pod; empty for Kubeflow's own pods."""
    return str((pod.metadata.labels or {}).get(STEP, ""))


def task_of(pod: Any) -> str:
    """The task of a pod, as Argo and the attempt log name it; empty for a pod that is not Argo's.

    A loop puts numbers inside the name: `...iterations(0:0).iteration-item.trial.executor(1)`.
    """
    name = str((pod.metadata.annotations or {}).get(NODE_NAME, ""))
    retried = RETRY.fullmatch(name)
    return retried[1] if retried else name


def oldest_first(pods: Iterable[Any]) -> list[Any]:
    """Pods by creation time."""
    return sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name))


def container_of(pod: Any) -> Any | None:
    """The container of a pod that runs the step itself; None where there is none."""
    return next((each for each in pod.spec.containers if each.name == CONTAINER), None)


def state_of(pod: Any) -> Any | None:
    """The state of that container: `waiting`, `running` or `terminated`; None where it is not known yet."""
    return next((each.state for each in pod.status.container_statuses or [] if each.name == CONTAINER), None)
