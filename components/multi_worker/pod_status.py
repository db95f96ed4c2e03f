"""The state of a group of workers, from its pods, and why a worker has no pod yet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from components.kubernetes.pending_reasons import why_pending
from components.multi_worker.manifests import LABEL, QUEUE, REPLICATED
from components.runtime.pod_metadata import CONTAINER
from gan import errors
from gan.errors import GanError, NotFoundError, WorkerLostError
from gan.result import StepResult
from gan.types import Json
from gan.util import log

INDEX = "batch.kubernetes.io/job-completion-index"
SUCCEEDED, FAILED = "Succeeded", "Failed"
CHECK_EVERY_POLLS = 5  # pods take a moment, and a queue moves slowly
POD_NAME = re.compile(r'pods? "[^"]*"')
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Worker:
    """One worker, from its pod. `exit_code` is None until it ends; `pending_reason` says why it has not started."""

    index: int
    pod: str
    node: str
    phase: str
    exit_code: int | None = None
    message: str = ""
    reason: str = ""
    finished_at: str = ""
    pending_reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.phase == FAILED or bool(self.exit_code)

    @property
    def ended(self) -> bool:
        """Whether it ended."""
        return self.phase in (SUCCEEDED, FAILED) or self.exit_code is not None


def worker(pod: Object) -> Worker:
    """A worker from its pod."""
    found, status = pod["metadata"], pod.get("status", {})
    state: Mapping[str, Any] = {}
    for container in status.get("containerStatuses") or []:
        if container["name"] == CONTAINER:
            state = container.get("state") or {}
    end = state.get("terminated") or {}
    return Worker(
        index=int(found.get("annotations", {}).get(INDEX, 0)),
        pod=found["name"],
        node=pod["spec"].get("nodeName", ""),
        phase=status.get("phase", "Pending"),
        exit_code=end.get("exitCode"),
        message=(end.get("message") or status.get("message") or "").strip(),
        reason=end.get("reason") or status.get("reason") or "",
        finished_at=end.get("finishedAt") or "",
        pending_reason=why_pending(pod),
    )


def result(chief: Worker) -> StepResult:
    """The result that worker 0 left as its termination message.

    Raises:
        WorkerLostError: it left none that can be read.
    """
    try:
        return StepResult(**json.loads(chief.message))
    except (ValueError, TypeError):
        raise WorkerLostError(
            f"worker 0 (pod {chief.pod}) ended without a result; its message: {chief.message or 'none'}. Run the same "
            "command again: it finds what was saved"
        ) from None


def failure(workers: Sequence[Worker]) -> GanError:
    """The root cause of a group's failure: the first worker's own error.

    WorkerLostError is returned only if no worker failed for another reason.
    """
    failed = [each for each in workers if each.failed]
    first = min(failed, key=lambda each: (each.exit_code == WorkerLostError.exit_code, each.finished_at))
    for kind in _kinds(GanError):
        if first.exit_code == kind.exit_code != GanError.exit_code:
            return kind(f"worker {first.index}: {first.message.removeprefix('train: ')}")
    killed = first.reason if first.reason not in ("", "Error") else f"exit code {first.exit_code}"
    remedy = "run the same command again: it continues from the last checkpoint"
    if first.reason == "OOMKilled":
        remedy = "give it more memory"
    elif first.exit_code == errors.EXIT_BUG:
        remedy = "this is a bug: report it with the log of the step"
    message = f", with the message: {first.message}" if first.message else ""
    return WorkerLostError(
        f"worker {first.index} (pod {first.pod} on node {first.node or 'none'}) ended ({killed}){message}; {remedy}"
    )


def _kinds(kind: type[GanError]) -> Iterator[type[GanError]]:
    """A class of errors and its subclasses; those that define an exit code come before those that inherit it."""
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, kind)]
    return iter(sorted(classes, key=lambda each: "exit_code" not in vars(each)))


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
        return f"{warnings[-1].get('reason', '')}: {POD_NAME.sub('a pod', warnings[-1].get('message', ''))}"
    kinds = "jobsets,jobs" if group["kind"] == "JobSet" else "jobs"
    return f"Kubernetes gives no reason; `{kubectl} {kinds} --selector {LABEL}={found['name']}` may say more"


def _failed(group: Object) -> str:
    for each in group.get("status", {}).get("conditions") or []:
        if each["type"] == "Failed" and each["status"] == "True":
            return ": ".join(part for part in (each.get("reason"), each.get("message")) if part) or "failed"
    return ""
