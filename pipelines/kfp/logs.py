"""The log of a step, attempt after attempt, from its pods; can follow it through restarts of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi, is_transient
from components.kubernetes.pod_logs import PodLog
from components.registry import STEPS
from gan.errors import ClusterError, NotFoundError
from gan.util import log
from pipelines.kfp import runs
from pipelines.kfp.connection import Connection
from pipelines.kubernetes.pod_explanations import explain_pending
from pipelines.kubernetes.step_pods import container_of, oldest_first, state_of, step_of, task_of

POLL_INTERVAL_SECONDS = 2.0
IDLE_TIMEOUT_SECONDS = 300.0  # a stream that is silent for this long is opened again
MAX_OUTAGE_SECONDS = 600.0


def lines(cluster: KubernetesApi, run_id: str, step: str) -> Iterator[str]:
    """The log of every attempt of a step, oldest first.

    Raises:
        NotFoundError: the step has no pod.
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    pods = pods_of(cluster, run_id, step)
    if not pods:
        raise NotFoundError(
            f"{step} of the run {run_id} has no pod: it has not started, or its pods were deleted; "
            f"see `gan-pipelines status {run_id}`"
        )
    yield from _new_lines([_AttemptLog(cluster, pod) for pod in pods], follow=False)


def followed(
    connection: Connection,
    cluster: KubernetesApi,
    run_id: str,
    step: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """The log of a step from its first attempt, until the step or the run has ended.

    For a step that repeats it is the log of all of them, oldest first, until the run has ended.

    Raises:
        NotFoundError: the run has ended, and the step never had a pod.
        ClusterError: Kubernetes did not answer for ten minutes, or refuses.
    """
    logs: dict[str, _AttemptLog] = {}
    outage = _Outage(clock)
    while True:
        over = runs.get(connection, run_id).state in runs.ENDED  # before the pods are listed, so that none is missed
        try:
            pods = pods_of(cluster, run_id, step)
            current = [logs.setdefault(pod.metadata.name, _AttemptLog(cluster, pod, outage.end)) for pod in pods]
            yield from _new_lines(current, follow=True)
            outage.end()
        except ClusterError as error:
            refused = isinstance(error, ApiStatusError) and not _may_pass(error)
            if refused or outage.seconds() > MAX_OUTAGE_SECONDS:
                raise
            over = False
        if over or _has_ended(step, logs.values()):
            break
        sleep(POLL_INTERVAL_SECONDS)
    if not logs:
        raise NotFoundError(f"{step} of the run {run_id} never had a pod; see `gan-pipelines status {run_id}`")


def pods_of(cluster: KubernetesApi, run_id: str, step: str) -> list[Any]:
    """The pods of a step that still exist, oldest first."""
    return oldest_first(pod for pod in cluster.pods(run_id) if step_of(pod) == step and container_of(pod))


def _new_lines(logs: Sequence[_AttemptLog], *, follow: bool) -> Iterator[str]:
    """The new lines of each attempt in turn; one whose node does not answer is skipped, unless it is the last."""
    for number, attempt in enumerate(logs, 1):
        try:
            yield from attempt.new_lines(follow=follow)
        except ApiStatusError as error:
            if not _may_pass(error) or number == len(logs):
                raise
            attempt.warn_unavailable(str(error))


def _may_pass(error: ApiStatusError) -> bool:
    """As `is_transient`, but without an answer (status 0), TLS failed, and it will fail again."""
    return error.status != 0 and is_transient(error)


class _Outage:
    """How long Kubernetes has not answered: the time since the first failure after its last answer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def end(self) -> None:
        """Kubernetes answered."""
        self._since = None

    def seconds(self) -> float:
        """Call at each failure; the first one starts the outage."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        return now - self._since


class _AttemptLog:
    """The log of one attempt's pod.

    Says on stderr why its container has not started. `on_data` is called whenever Kubernetes sends something.
    """

    def __init__(self, cluster: KubernetesApi, pod: Any, on_data: Callable[[], None] = lambda: None) -> None:
        self._cluster = cluster
        self._pod = str(pod.metadata.name)
        self._on_data = on_data
        self._log = PodLog(cluster, self._pod, idle_timeout_seconds=IDLE_TIMEOUT_SECONDS)
        self._pending_reason = ""
        self._warned = False
        self._complete = False
        self.task = task_of(pod)
        self.succeeded = False

    def new_lines(self, *, follow: bool) -> Iterator[str]:
        """The lines not given before; with `follow`, until the pod has ended or the connection breaks."""
        pod = None if self._complete else self._read()
        if pod is None:
            return
        if not _has_started(pod):
            self._say_pending(explain_pending(self._cluster, pod) or "it is being made")
            return
        try:
            yield from self._log.new_lines(follow=follow, on_data=self._on_data)
        except NotFoundError:
            return  # deleted meanwhile
        self._complete = pod.status.phase in ("Succeeded", "Failed")  # else the stream may have ended too early
        pod = self._read()
        self.succeeded = pod is not None and pod.status.phase == "Succeeded"

    def warn_unavailable(self, why: str) -> None:
        """Warn once that this log is missing, most likely because its node does not answer."""
        if not self._warned:
            log.warning(f"what {self._pod} printed is not shown", reason=why)
        self._warned = True

    def _say_pending(self, why: str) -> None:
        if why != self._pending_reason:
            log.info(f"the pod {self._pod} has printed nothing yet: {why}")
        self._pending_reason = why

    def _read(self) -> Any | None:
        try:
            return self._cluster.call(self._cluster.core.read_namespaced_pod, self._pod, self._cluster.namespace)
        except NotFoundError:
            return None


def _has_started(pod: Any) -> bool:
    state = state_of(pod)
    return bool(state and (state.running or state.terminated))


def _has_ended(step: str, logs: Collection[_AttemptLog]) -> bool:
    """Whether every task of a step has an attempt that succeeded, and no further task of it can come."""
    done = {log.task for log in logs if log.succeeded}
    return not STEPS[step].repeats and bool(done) and all(log.task in done for log in logs)
