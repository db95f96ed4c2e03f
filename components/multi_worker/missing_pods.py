"""Why workers have no pods: the state of their JobSet or Job, and the warning events about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from components.multi_worker.manifests import LABEL, QUEUE, REPLICATED
from gan.errors import NotFoundError, WorkerLostError
from gan.types import Json
from gan.util import log

CHECK_EVERY_POLLS = 5  # pods take a moment, and a queue moves slowly
POD = re.compile(r'pods? "[^"]*"')
Object = Mapping[str, Any]


class MissingPodReporter:
    """Logs why there are fewer pods than workers, once for each new reason.

    Args:
        api: to read events.
        group: reads the JobSet or Job; None where it is gone.
    """

    def __init__(self, api: KubernetesApi, group: Callable[[], Json | None]) -> None:
        self._api = api
        self._group = group
        self._polls = 0
        self._last_reason = ""

    def report(self, missing: int) -> None:
        """Call after each poll of the pods with the number that are missing; every CHECK_EVERY_POLLS-th call asks why.

        Raises:
            WorkerLostError: the workers were deleted or failed, so no pods will appear.
        """
        self._polls = self._polls + 1 if missing else 0
        if not missing or self._polls % CHECK_EVERY_POLLS:
            return
        try:
            group = self._group()
        except (ApiStatusError, NotFoundError):
            return  # the role of an earlier version lacks this permission
        if group is None:
            raise WorkerLostError("the workers were deleted before they had pods; run the same command again")
        failed = _failed(group)
        why = failed or why_no_pods(group, self._warnings(group))
        if why != self._last_reason:
            self._last_reason = why
            name = {group["kind"].lower(): group["metadata"]["name"]}
            log.info("workers have no pod yet", missing=missing, **name, reason=why)
        elif failed:  # seen twice: no pod appeared in between to explain it
            raise WorkerLostError(f"the workers ended before all had pods ({failed}); run the same command again")

    def _warnings(self, group: Object) -> list[Json]:
        found, name = group["metadata"], group["metadata"]["name"]
        names = [name, f"{name}-{REPLICATED}-0"] if group["kind"] == "JobSet" else [name]
        read = self._api.core.list_namespaced_event
        events: list[Json] = []
        try:
            for each in names:
                selector = f"involvedObject.name={each},type=Warning"
                events += self._api.to_json(self._api.call(read, found["namespace"], field_selector=selector))["items"]
        except (ApiStatusError, NotFoundError):
            return []  # as above
        return sorted(events, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))


def why_no_pods(group: Object, warnings: Sequence[Object]) -> str:
    """Why a JobSet or Job has too few pods; `warnings` are the events about it, newest last."""
    found = group["metadata"]
    kubectl = f"kubectl --namespace {found['namespace']} describe"
    if group["spec"].get("suspend"):
        queue = found.get("labels", {}).get(QUEUE[0])
        if queue:
            more = f"{kubectl} workloads --selector kueue.x-k8s.io/job-uid={found['uid']}"
            return f"suspended until the queue {queue} admits it; `{more}` says what is missing"
        return "suspended, and it has no queue that would start it: set spec.suspend to false"
    if warnings:  # each attempt has another pod name, which would make the same reason look new
        return f"{warnings[-1].get('reason', '')}: {POD.sub('a pod', warnings[-1].get('message', ''))}"
    kinds = "jobsets,jobs" if group["kind"] == "JobSet" else "jobs"
    return f"Kubernetes gives no reason; `{kubectl} {kinds} --selector {LABEL}={found['name']}` may say more"


def _failed(group: Object) -> str:
    for each in group.get("status", {}).get("conditions") or []:
        if each["type"] == "Failed" and each["status"] == "True":
            return ": ".join(part for part in (each.get("reason"), each.get("message")) if part) or "failed"
    return ""
