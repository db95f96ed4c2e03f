"""The status of a run, from Kubeflow, Argo's workflow, the pods, and the attempt log in the store.

Each source except Kubeflow may be out of reach; its part is then missing, and `missing` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.kubernetes.pending_reasons import STARTING
from gan.errors import ClusterError, GanError, NotFoundError
from gan.store import open_existing
from gan.store.records import executions
from gan.store.records.executions import ExecutionAttempt
from gan.types import Json
from pipelines.kfp import runs
from pipelines.kfp.connection import Connection
from pipelines.kfp.upload import description_of
from pipelines.kubernetes import workflow
from pipelines.kubernetes.pod_explanations import explain_pending, why_ended, why_workers_wait
from pipelines.kubernetes.step_pods import oldest_first, step_of, task_of
from pipelines.kubernetes.times import parse_time, seconds_between
from pipelines.kubernetes.workflow import WorkflowNode

ATTEMPTS_TIMEOUT_SECONDS = 10.0  # status should not hang when the store is down
PENDING, RUNNING, DONE, SKIPPED = "pending", "running", "done", "skipped"
FAILED, CANCELED, STORED = "failed", "canceled", "in the store already"
RETRYING = "to be tried again"
PHASES = {
    "Pending": PENDING,
    "Running": RUNNING,
    "Succeeded": DONE,
    "Skipped": SKIPPED,
    "Omitted": SKIPPED,
    "Failed": FAILED,
    "Error": FAILED,
}


@dataclass(frozen=True)
class StepStatus:
    """One step of a run. `attempts` are those in the attempt log, `tries` counts all.

    `why`: why it or its workers wait, or why it failed.
    """

    step: str
    state: str
    node: str = ""
    tries: int = 0
    seconds: float | None = None
    why: str = ""
    id: str = ""
    attempts: Sequence[ExecutionAttempt] = ()


@dataclass(frozen=True)
class RunStatus:
    """A run, its steps in the order in which they began, and their results with scores and verdict."""

    id: str
    name: str
    state: str
    about: str
    store: str
    seconds: float
    created_at: str
    error: str
    steps: Sequence[StepStatus]
    details: Json = field(default_factory=dict)
    missing: Sequence[str] = ()


def read_status(connection: Connection, run: Any, cluster: KubernetesApi | None, why_not: str = "") -> RunStatus:
    """The status of a run.

    Args:
        connection: to Kubeflow.
        run: as `pipelines.kfp.runs` gives it.
        cluster: None where Kubernetes can't be reached.
        why_not: why `cluster` is None.

    Raises:
        ClusterError: Kubeflow can't be reached, or refuses.
    """
    run_id = str(run.run_id)
    missing = [f"can't see pods: {why_not}"] if cluster is None else []
    flow = _workflow(connection, cluster, run_id, missing)
    pods = _pods(cluster, run_id, missing) if cluster is not None else []
    store = _parameters(run).get("store", "")
    attempts = _attempts(store, run_id, missing)
    canceled = run.state == runs.CANCELED
    steps = [_step(node, attempts, pods, cluster, canceled=canceled) for node in workflow.nodes(flow)]
    if run.state not in runs.ENDED:
        steps += _blocked_by_driver(flow, pods, cluster)
    if not flow:
        steps = _from_attempts(attempts)
    return RunStatus(
        id=run_id,
        name=str(run.display_name),
        state=str(run.state),
        about=str(run.description or "") or description_of(connection, run.pipeline_version_reference),
        store=store,
        seconds=seconds_between(run.created_at, run.finished_at if run.state in runs.ENDED else None),
        created_at=run.created_at.isoformat() if run.created_at else "",
        error=_error(run, flow, steps),
        steps=steps,
        details=_details(attempts),
        missing=missing,
    )


def _pods(cluster: KubernetesApi, run_id: str, missing: list[str]) -> list[Any]:
    try:
        return cluster.pods(run_id)
    except (ClusterError, NotFoundError) as error:
        missing.append(f"can't see pods: {error}")
        return []


def _workflow(connection: Connection, cluster: KubernetesApi | None, run_id: str, missing: list[str]) -> dict[str, Any]:
    """The live workflow, else the one that Kubeflow stores; empty without either."""
    refusal = ""
    try:
        living = workflow.live(cluster, run_id) if cluster is not None else {}
    except ClusterError as error:
        living, refusal = {}, f" ({error})"
    found = living or runs.stored_workflow(connection, run_id)
    if not found:
        missing.append(
            f"the steps are those in the attempt log: neither Kubeflow nor Kubernetes gives the workflow{refusal}"
        )
    return found


def _attempts(uri: str, run_id: str, missing: list[str]) -> list[ExecutionAttempt]:
    try:
        return executions.read(open_existing(uri, deadline_seconds=ATTEMPTS_TIMEOUT_SECONDS), run_id) if uri else []
    except GanError as error:
        missing.append(f"can't read the attempt log in {uri}: {error}")
        return []


def _step(
    node: WorkflowNode,
    attempts: Sequence[ExecutionAttempt],
    pods: Sequence[Any],
    cluster: KubernetesApi | None,
    *,
    canceled: bool,
) -> StepStatus:
    own = [attempt for attempt in attempts if attempt.task == node.task]
    pod = next((each for each in reversed(_of_task(pods, node.task))), None)
    last = own[-1] if own else None
    state = PHASES.get(node.phase, node.phase.lower())
    made = last.outcome if last and last.outcome else {}
    if state == DONE and made.get("skipped"):
        state = STORED
    if state == FAILED and canceled:
        state = CANCELED
    if state == FAILED and node.unfinished:
        state = RETRYING
    return StepStatus(
        step=(step_of(pod) if pod else "") or (last.step if last else node.step),
        state=state,
        node=node.host or (pod.spec.node_name if pod else None) or (last.node if last else ""),
        tries=max(node.pods, len(own)),
        seconds=seconds_between(parse_time(node.began_at), parse_time(node.ended_at)) if node.began_at else None,
        why=_why(state, node, last, pod, cluster),
        id=str(made.get("id", "")),
        attempts=own,
    )


def _blocked_by_driver(
    flow: dict[str, Any], pods: Sequence[Any], cluster: KubernetesApi | None
) -> Iterator[StepStatus]:
    """The steps that have no pod yet because Kubeflow's own pod before it waits."""
    for driver in workflow.waiting_drivers(flow):
        pod = next(iter(_of_task(pods, driver.task)), None)
        why = _why(PENDING, driver, None, pod, cluster)
        if why:
            yield StepStatus(driver.step, PENDING, why=f"Kubeflow's own pod before it waits: {why}")


def _why(state: str, node: WorkflowNode, last: ExecutionAttempt | None, pod: Any, cluster: KubernetesApi | None) -> str:
    if state == PENDING:
        reason = explain_pending(cluster, pod) if cluster is not None and pod is not None else ""
        return reason or ("" if node.message in STARTING else node.message)
    if state == RUNNING and cluster is not None and pod is not None:
        return why_workers_wait(cluster, pod)
    if state in (FAILED, RETRYING):
        if last is not None and last.error and last.state in (executions.FAILED, executions.STOPPED):
            return last.error
        ended = why_ended(pod) if pod is not None else ""
        why = ended.removeprefix(f"{node.step}: ") or node.message  # a termination message begins with the step
        if why and last is not None and last.state == executions.DONE and pod and last.pod == pod.metadata.name:
            return f"the step itself succeeded, but Kubeflow's launcher around it failed ({why}); see its log"
        return why
    return ""


def _from_attempts(attempts: Sequence[ExecutionAttempt]) -> list[StepStatus]:
    """The steps without a workflow: each with its last attempt."""
    states = {executions.DONE: DONE, executions.RUNNING: RUNNING}
    tasks: dict[str, list[ExecutionAttempt]] = {}
    for attempt in attempts:
        tasks.setdefault(attempt.task, []).append(attempt)
    return [
        StepStatus(
            step=own[-1].step,
            state=states.get(own[-1].state, FAILED),
            node=own[-1].node,
            tries=len(own),
            seconds=seconds_between(parse_time(own[0].began_at), parse_time(own[-1].ended_at or "")),
            why=own[-1].error or "",
            id=str((own[-1].outcome or {}).get("id", "")),
            attempts=own,
        )
        for own in tasks.values()
    ]


def _details(attempts: Sequence[ExecutionAttempt]) -> Json:
    """The last result of each step; these hold scores and verdict."""
    return {attempt.step: attempt.outcome for attempt in attempts if attempt.outcome}


def _error(run: Any, flow: dict[str, Any], steps: Sequence[StepStatus]) -> str:
    if run.state != runs.FAILED:
        return ""
    first = next((f"{step.step}: {step.why}" for step in steps if step.state == FAILED and step.why), "")
    said = run.error.message if run.error and run.error.message else ""
    return first or workflow.message(flow) or said


def _of_task(pods: Sequence[Any], task: str) -> list[Any]:
    """The pods of a task, oldest first."""
    return oldest_first(pod for pod in pods if task_of(pod) == task)


def _parameters(run: Any) -> dict[str, Any]:
    return (run.runtime_config.parameters if run.runtime_config else None) or {}
