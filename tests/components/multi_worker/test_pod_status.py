from __future__ import annotations

from typing import Any

import pytest

from components.multi_worker import pod_status as states
from gan.errors import ConfigError, DivergedError, GanError, UnavailableError, WorkerLostError


def pod(index: int = 0, phase: str = "Running", state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": f"train-1-{index}", "annotations": {states.INDEX: str(index)}},
        "spec": {"nodeName": f"node-{index}"},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": state or {}}], **status},
    }


def ended(index: int, code: int, message: str = "", at: str = "2026-01-01T00:00:00Z", reason: str = "Error") -> Any:
    state = {"terminated": {"exitCode": code, "message": message, "finishedAt": at, "reason": reason}}
    return states.worker(pod(index, "Failed" if code else "Succeeded", state))


def test_the_state_of_a_worker() -> None:
    running = states.worker(pod(1, state={"running": {}}))
    assert (running.index, running.node, running.ended, running.failed) == (1, "node-1", False, False)
    done = ended(0, 0, "{}")
    assert done.ended
    assert not done.failed


def test_why_a_worker_waits() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU is free"}
    assert (
        states.worker(pod(phase="Pending", conditions=[condition])).pending_reason == "no node takes it: no GPU is free"
    )


@pytest.mark.parametrize(("code", "kind"), [(2, ConfigError), (8, DivergedError), (14, UnavailableError)])
def test_an_error_of_a_worker_is_that_of_the_step(code: int, kind: type[GanError]) -> None:
    lost = ended(0, 20, "train: worker 0 of 2 lost another one", at="2026-01-01T00:00:00Z")
    error = states.failure([lost, ended(1, code, "train: the learning rate", at="2026-01-01T00:00:09Z")])
    assert type(error) is kind
    assert str(error) == "worker 1: the learning rate"


def test_the_first_failure_counts() -> None:
    late = ended(0, 5, "train: late", at="2026-01-01T00:00:09Z")
    assert "worker 1: early" in str(states.failure([late, ended(1, 8, "train: early")]))


def test_a_killed_worker_is_a_lost_one() -> None:
    error = states.failure([ended(1, 137, reason="OOMKilled"), ended(0, 20, "train: lost")])
    assert type(error) is WorkerLostError
    assert str(error) == "worker 1 (pod train-1-1 on node node-1) ended (OOMKilled); give it more memory"
    assert "(exit code 143)" in str(states.failure([ended(0, 143)]))
    evicted = states.worker(pod(0, "Failed", reason="Evicted", message="The node was low on memory."))
    assert "(Evicted), with the message: The node was low on memory.; run the same command again" in str(
        states.failure([evicted])
    )


def test_the_outcome_is_what_worker_0_left() -> None:
    message = '{"id": "r", "uri": "s3://x/runs/r", "seconds": 1.5, "skipped": false, "details": {"steps": 9}}'
    assert states.result(ended(0, 0, message)).details == {"steps": 9}
    with pytest.raises(WorkerLostError, match="without a result; its message: none"):
        states.result(ended(0, 0, ""))
