from __future__ import annotations

from typing import Any

from components.multi_worker.pod_status import why_no_pods

FOUND = {"name": "train-1", "namespace": "kubeflow", "uid": "12-34"}


def group(kind: str = "JobSet", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {**FOUND, "labels": labels or {}}, "spec": spec}


def test_workers_in_a_queue_are_suspended_until_it_admits_them() -> None:
    assert why_no_pods(group(labels={"kueue.x-k8s.io/queue-name": "gpus"}, suspend=True), []) == (
        "suspended until the queue gpus admits it; `kubectl --namespace kubeflow describe workloads "
        "--selector kueue.x-k8s.io/job-uid=12-34` says what is missing"
    )


def test_workers_that_somebody_suspended_wait_for_them() -> None:
    assert "set spec.suspend to false" in why_no_pods(group(suspend=True), [])


def test_what_an_admission_policy_said_is_passed_on_but_for_the_name_of_the_pod() -> None:
    def warning(pod: str) -> dict[str, str]:
        return {"reason": "FailedCreate", "message": f'Error creating: pods "{pod}" is forbidden: no service account'}

    said = why_no_pods(group(suspend=False), [{"reason": "Old", "message": "x"}, warning("train-1-0-abcde")])
    assert said == "FailedCreate: Error creating: a pod is forbidden: no service account"
    assert said == why_no_pods(group(), [warning("train-1-0-fghij")])


def test_without_a_reason_it_says_where_to_look() -> None:
    assert "`kubectl --namespace kubeflow describe jobs --selector gan-pipelines/workers=train-1`" in why_no_pods(
        group("Job"), []
    )
    assert "describe jobsets,jobs --selector" in why_no_pods(group(), [])
