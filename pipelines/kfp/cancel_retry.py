"""Cancels runs and cleans up after them; retries failed runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError, ConfigError
from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError
from pipelines.kfp import runs
from pipelines.kfp.connection import Connection
from pipelines.kfp.status import PENDING, read_status
from pipelines.kfp.wait import wait_until_ended
from pipelines.kubernetes.cleanup import Deleted, delete_all
from pipelines.kubernetes.graceful_stop import stop_steps, stop_workflow, unstopped_workflow

TIMEOUT_SECONDS = 300.0
POLL_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Canceled:
    """What cancelling did: the run as it ended, and what was deleted, None without a kubeconfig."""

    run: Any
    deleted: Deleted | None


def cancel(
    connection: Connection,
    cluster: KubernetesApi | None,
    run: Any,
    *,
    on_poll: Callable[[Any], object] = lambda run: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Canceled:
    """Stop a run with SIGTERM, so that training saves a checkpoint, and delete its objects in the cluster.

    Args:
        connection: to the backend.
        cluster: where its pods, Jobs and JobSets are. None: ended pods stay there, and training has no time to save
            what it did since its last checkpoint.
        run: as the backend has it. An ended run keeps its state; its objects are deleted all the same.
        on_poll: called with the run after each poll. Its last step, which notifies a webhook, may still run.
        clock: monotonic seconds.
        sleep: passes the time between two polls.

    Raises:
        ClusterError: the run did not end within five minutes, or an object could not be deleted.
    """
    if run.state not in runs.ENDED:
        if run.state != runs.CANCELING:  # else it was terminated before
            _terminate(connection, cluster, run, clock, sleep)
        unknown = _complete_termination(cluster, run.run_id, clock, sleep)
        run = wait_until_ended(connection, run.run_id, TIMEOUT_SECONDS, on_poll=on_poll, clock=clock, sleep=sleep)
        if run.state not in runs.ENDED:
            reason = _blocking_steps(connection, cluster, run) or unknown
            raise ClusterError(
                f"{run.display_name} was terminated and is still {run.state} after {TIMEOUT_SECONDS:.0f} s"
                + (f": {reason}" if reason else "; look at its pods with `gan-pipelines status`")
                + "; fix that and run cancel again"
            )
    return Canceled(run, None if cluster is None else delete_all(cluster, run.run_id, clock, sleep))


def _terminate(
    connection: Connection,
    cluster: KubernetesApi | None,
    run: Any,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    if cluster is not None:
        stop_steps(cluster, run.run_id, clock, sleep)
    try:
        connection.call(connection.runs.run_service_terminate_run, run.run_id)
    except ApiStatusError:
        if runs.get(connection, run.run_id).state not in (*runs.ENDED, runs.CANCELING):
            raise  # otherwise it has just ended by itself, or somebody else has terminated it


def _complete_termination(
    cluster: KubernetesApi | None, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> str:
    """Stop the workflow where Kubeflow recorded the termination but did not carry it out.

    Kubeflow records it first, and refuses a second request.

    Returns:
        Why it is unknown whether that is the case; empty where it is known.
    """
    if cluster is None:
        return "can't see whether its workflow was stopped without Kubernetes; set KUBECONFIG"
    try:
        name = unstopped_workflow(cluster, run_id)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return f"can't see whether its workflow was stopped: {error}"
    if name:
        stop_steps(cluster, run_id, clock, sleep)
        stop_workflow(cluster, name)
    return ""


def _blocking_steps(connection: Connection, cluster: KubernetesApi | None, run: Any) -> str:
    """The steps that keep a run from ending, and why."""
    steps = read_status(connection, run, cluster).steps
    return "; ".join(f"{each.step} is {each.state}, {each.why}" for each in steps if each.state == PENDING and each.why)


def retry(
    connection: Connection,
    run: Any,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Retry the failed and canceled steps of a run; training continues from its checkpoint.

    Raises:
        ConfigError: the run succeeded, or has not ended.
        ClusterError: the backend refuses.
    """
    if run.state not in (runs.FAILED, runs.CANCELED):
        raise ConfigError(
            f"only a run that failed or was canceled can be retried; {run.display_name} is {run.state}"
            + (
                "; submit starts another"
                if run.state in runs.ENDED
                else f"; `gan-pipelines cancel {run.run_id}` stops it"
            )
        )

    def attempt() -> None:
        try:
            connection.call(connection.runs.run_service_retry_run, run.run_id)
        except ApiStatusError:
            if runs.get(connection, run.run_id).state in (runs.FAILED, runs.CANCELED):
                raise  # otherwise the run is going again, and only the answer to an earlier attempt was lost
        except ClusterError as error:
            if "cannot be retried with node" not in str(error):
                raise
            raise TransientError(str(error)) from error  # the backend's record of the steps lags by some seconds

    policy = RetryPolicy(TIMEOUT_SECONDS, POLL_INTERVAL_SECONDS, POLL_INTERVAL_SECONDS, clock=clock, sleep=sleep)
    try:
        policy.call(attempt)
    except RetriesExhaustedError as error:
        raise error.cause from None
    return runs.get(connection, run.run_id)
