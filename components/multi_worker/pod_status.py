"""The state of a group of workers, from its pods."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.kubernetes.pending_reasons import why_pending
from components.runtime.pod_metadata import CONTAINER
from gan import errors
from gan.errors import GanError, WorkerLostError
from gan.result import StepResult

INDEX = "batch.kubernetes.io/job-completion-index"
SUCCEEDED, FAILED = "Succeeded", "Failed"
Pod = Mapping[str, Any]


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


def worker(pod: Pod) -> Worker:
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
