"""Stops runs without a trace in the cluster, and repeats what failed of them."""

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
from pipelines.kfp.wait import until_ended
from pipelines.kubernetes.cleanup import Deleted, delete_all
from pipelines.kubernetes.graceful_stop import stop_steps, stop_workflow, unstopped_workflow

TIMEOUT_SECONDS = 300.0
POLL_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Canceled:
    """What cancelling did: the run as it ended, and what of it was deleted; None where there is no kubeconfig."""

    run: Any
    deleted: Deleted | None


def cancel(
    connection: Connection,
    cluster: KubernetesApi | None,
    run: Any,
    *,
    each: Callable[[Any], object] = lambda run: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Canceled:
    """Stop a run, with SIGTERM, so that training saves a checkpoint, and delete what is left of it in the cluster.

    Args:
        connection: to the backend.
        cluster: where its pods, Jobs and JobSets are; None: what has ended stays there, and training has no time to
            save what it did since its last checkpoint.
        run: as the backend has it. One that has ended stays as it ended; what it left is deleted all the same.
        each: is told of the run each time that it was looked at. Its last step, which tells a webhook, may still run.
        clock: monotonic seconds.
        sleep: waits for so many of them.

    Raises:
        ClusterError: it did not end within five minutes, or something of it could not be deleted.
    """
    if run.state not in runs.ENDED:
        if run.state != runs.CANCELING:  # else somebody has told it before
            _terminate(connection, cluster, run, clock, sleep)
        unsure = _complete(cluster, run.run_id, clock, sleep)
        run = until_ended(connection, run.run_id, TIMEOUT_SECONDS, each=each, clock=clock, sleep=sleep)
        if run.state not in runs.ENDED:
            held = _held(connection, cluster, run) or unsure
            raise ClusterError(
                f"{run.display_name} was told to stop and is {run.state} after {TIMEOUT_SECONDS:.0f} s"
                + (f": {held}" if held else "; look at its pods with `gan-pipelines status`")
                + "; once that is mended, say it again"
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
            raise  # otherwise it has ended by itself just now, or somebody else has told it


def _complete(
    cluster: KubernetesApi | None, run_id: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> str:
    """Stop the workflow, where Kubeflow has put the termination on record and then did not tell it.

    It does the one before the other, and whoever asks once more is refused.

    Returns:
        Why it can't be seen whether that is so; empty where it can.
    """
    if cluster is None:
        return "whether its workflow was told can't be seen without Kubernetes; set KUBECONFIG"
    try:
        name = unstopped_workflow(cluster, run_id)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return f"whether its workflow was told can't be seen: {error}"
    if name:
        stop_steps(cluster, run_id, clock, sleep)
        stop_workflow(cluster, name)
    return ""


def _held(connection: Connection, cluster: KubernetesApi | None, run: Any) -> str:
    """Which step keeps a run from its end, and why."""
    steps = read_status(connection, run, cluster).steps
    return "; ".join(f"{each.step} is {each.state}, {each.why}" for each in steps if each.state == PENDING and each.why)


def retry(
    connection: Connection,
    run: Any,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Repeat the steps of a run that failed or were canceled; what is done stays, and training goes on where it was.

    Raises:
        ConfigError: the run succeeded, or is still going on.
        ClusterError: the backend refuses.
    """
    if run.state not in (runs.FAILED, runs.CANCELED):
        raise ConfigError(
            f"only a run that failed or was canceled can be retried; {run.display_name} is {run.state}"
            + (
                "; submit begins another"
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
