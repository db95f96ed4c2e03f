"""Why workers have no pods: what their JobSet or Job tells, and the warnings that Kubernetes wrote about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubernetes.client import ApiException

from components.kubernetes_api import KubernetesApi
from components.multi_worker.manifests import LABEL, QUEUE, REPLICATED
from gan.errors import WorkerLostError
from gan.types import Json
from gan.util.log import say

EVERY_LOOKS = 5  # pods need a moment, and a queue is not asked more often than it moves
POD = re.compile(r'pods? "[^"]*"')
Object = Mapping[str, Any]


class Delays:
    """Tells once a change why there are fewer pods than workers.

    Args:
        api: where events are.
        group: reads the JobSet or Job; None where it is gone.
    """

    def __init__(self, api: KubernetesApi, group: Callable[[], Json | None]) -> None:
        self._api = api
        self._group = group
        self._looks = 0
        self._told = ""

    def look(self, missing: int) -> None:
        """Note that one more look at the pods found so many missing; every EVERY_LOOKS-th such look asks why.

        Raises:
            WorkerLostError: there will be none.
        """
        self._looks = self._looks + 1 if missing else 0
        if not missing or self._looks % EVERY_LOOKS:
            return
        try:
            group = self._group()
        except ApiException:
            return  # a role of an earlier version may not read it
        if group is None:
            raise WorkerLostError("the workers were deleted before they had pods; run the same again")
        failed = _failed(group)
        why = failed or why_none(group, self._warnings(group))
        if why != self._told:
            self._told = why
            name = {group["kind"].lower(): group["metadata"]["name"]}
            say("workers have no pod yet", missing=missing, **name, reason=why)
        elif failed:  # for the second time: no pod was late to tell why
            raise WorkerLostError(f"the workers ended before all had pods ({failed}); run the same again")

    def _warnings(self, group: Object) -> list[Json]:
        found, name = group["metadata"], group["metadata"]["name"]
        names = [name, f"{name}-{REPLICATED}-0"] if group["kind"] == "JobSet" else [name]
        read = self._api.core.list_namespaced_event
        events: list[Json] = []
        try:
            for each in names:
                selector = f"involvedObject.name={each},type=Warning"
                events += self._api.plain(self._api.call(read, found["namespace"], field_selector=selector))["items"]
        except ApiException:
            return []  # as above
        return sorted(events, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))


def why_none(group: Object, warnings: Sequence[Object]) -> str:
    """Why a JobSet or Job has too few pods; `warnings` are the events about it, the newest last."""
    found = group["metadata"]
    kubectl = f"kubectl --namespace {found['namespace']} describe"
    if group["spec"].get("suspend"):
        queue = found.get("labels", {}).get(QUEUE[0])
        if queue:
            more = f"{kubectl} workloads --selector kueue.x-k8s.io/job-uid={found['uid']}"
            return f"suspended until the queue {queue} admits it; `{more}` says what is missing"
        return "suspended, and no queue is to begin it: set spec.suspend to false"
    if warnings:  # each try has a pod of another name: the rest is the reason
        return f"{warnings[-1].get('reason', '')}: {POD.sub('a pod', warnings[-1].get('message', ''))}"
    kinds = "jobsets,jobs" if group["kind"] == "JobSet" else "jobs"
    return f"nothing is said against them; `{kubectl} {kinds} --selector {LABEL}={found['name']}` may say more"


def _failed(group: Object) -> str:
    for each in group.get("status", {}).get("conditions") or []:
        if each["type"] == "Failed" and each["status"] == "True":
            return ": ".join(part for part in (each.get("reason"), each.get("message")) if part) or "failed"
    return ""
