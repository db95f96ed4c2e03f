"""What the pods of a group of workers tell about how it goes."""

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
    """One worker as its pod tells: `exit_code` is None as long as it runs, `waits` says why it does not run yet."""

    index: int
    pod: str
    node: str
    phase: str
    exit_code: int | None = None
    message: str = ""
    reason: str = ""
    finished_at: str = ""
    waits: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ended, and not well."""
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
        waits=why_pending(pod),
    )


def outcome(chief: Worker) -> StepResult:
    """What worker 0 left when it was done.

    Raises:
        WorkerLostError: it left nothing that can be read.
    """
    try:
        return StepResult(**json.loads(chief.message))
    except (ValueError, TypeError):
        raise WorkerLostError(
            f"worker 0 (pod {chief.pod}) ended without telling what it made; it said: {chief.message or 'nothing'}. "
            "Run the same again: what it saved is found"
        ) from None


def failure(workers: Sequence[Worker]) -> GanError:
    """The error that ended a group: that of the worker that failed first, as if this process had met it.

    That others lost a worker is told only where nothing else is.
    """
    failed = [each for each in workers if each.failed]
    first = min(failed, key=lambda each: (each.exit_code == WorkerLostError.exit_code, each.finished_at))
    for kind in _kinds(GanError):
        if first.exit_code == kind.exit_code != GanError.exit_code:
            return kind(f"worker {first.index}: {first.message.removeprefix('train: ')}")
    killed = first.reason if first.reason not in ("", "Error") else f"exit code {first.exit_code}"
    remedy = "run the same again: it goes on from the last checkpoint"
    if first.reason == "OOMKilled":
        remedy = "give it more memory"
    elif first.exit_code == errors.EXIT_BUG:
        remedy = "this is a bug: report it with the log of the step"
    said = f", and said: {first.message}" if first.message else ""
    return WorkerLostError(
        f"worker {first.index} (pod {first.pod} on node {first.node or 'none'}) was ended ({killed}){said}; {remedy}"
    )


def _kinds(kind: type[GanError]) -> Iterator[type[GanError]]:
    """A class of errors and all below it, those that give an exit code its name before those that inherit it."""
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, kind)]
    return iter(sorted(classes, key=lambda each: "exit_code" not in vars(each)))
