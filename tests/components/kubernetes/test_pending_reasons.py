from __future__ import annotations

from typing import Any

import pytest

from components.kubernetes.pending_reasons import why_pending


def unscheduled(reason: str, message: str = "") -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return {"status": {"phase": "Pending", "conditions": [condition]}}


def waiting(reason: str, message: str = "", kind: str = "containerStatuses") -> dict[str, Any]:
    return {"status": {kind: [{"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}]}}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (unscheduled("Unschedulable", "no GPU is free. preemption: 0/1 nodes"), "no node takes it: no GPU is free"),
        (unscheduled("Unschedulable"), "no node takes it: no reason given"),
        (waiting("ErrImagePull", "not found"), "ErrImagePull: not found; check that the image exists"),
        (waiting("CrashLoopBackOff"), "CrashLoopBackOff"),
        (waiting("ErrImageNeverPull", "", "initContainerStatuses"), "ErrImageNeverPull; load the image into"),
    ],
)
def test_a_pod_that_waits_says_why(pod: dict[str, Any], reason: str) -> None:
    assert why_pending(pod).startswith(reason)


@pytest.mark.parametrize("pod", [{}, {"status": {"containerStatuses": None}}, waiting("ContainerCreating")])
def test_a_pod_that_is_starting_has_no_reason(pod: dict[str, Any]) -> None:
    assert why_pending(pod) == ""


def test_kueue_is_asked_only_where_it_holds_a_pod_back() -> None:
    gated = unscheduled("SchedulingGated")
    assert why_pending(gated, lambda: "no quota") == "held back by Kueue: no quota"
    assert why_pending(gated) == "held back by Kueue: its queue has not admitted it"
    assert "Kueue" not in why_pending(unscheduled("Unschedulable"), lambda: pytest.fail("asked"))
