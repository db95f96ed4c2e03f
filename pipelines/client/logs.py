"""What a step prints, attempt after attempt, from its pods; also while it runs, through restarts of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from components.worker_manifests import CONTAINER
from components.worker_tail import Unseen, lines_of
from gan.console import say
from gan.errors import ClusterError, NotFoundError
from pipelines.client import runs
from pipelines.client.cluster import Cluster, in_words
from pipelines.client.connection import Connection
from pipelines.client.faults import BUSY, AnswerError
from pipelines.client.step_pods import container_of, oldest_first, state_of, step_of
from pipelines.client.waiting import why_pending

EVERY_SECONDS = 2.0
QUIET_SECONDS = 300  # a stream that was silent for so long is asked for anew
PATIENCE_SECONDS = 600.0


def lines(cluster: Cluster, run_id: str, step: str) -> Iterator[str]:
    """What every attempt of a step has printed, the first attempt first.

    Raises:
        NotFoundError: the step has no pod.
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    pods = pods_of(cluster, run_id, step)
    if not pods:
        raise NotFoundError(
            f"{step} of the run {run_id} has no pod: it has not begun, or its pods were deleted; "
            f"`gan-pipelines status {run_id}` tells which"
        )
    for pod in pods:
        tail = _Tail(cluster, pod)
        yield from tail.lines(follow=False)


def followed(
    connection: Connection,
    cluster: Cluster,
    run_id: str,
    step: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """What a step prints, from its first attempt on, until the step or the run has ended.

    Raises:
        NotFoundError: the run has ended, and the step never had a pod.
        ClusterError: Kubernetes was away for ten minutes, or refuses.
    """
    tails: dict[str, _Tail] = {}
    answered = clock()
    while True:
        over = runs.get(connection, run_id).state in runs.ENDED  # before the pods are listed, so that none is missed
        try:
            for pod in pods_of(cluster, run_id, step):
                tail = tails.setdefault(pod.metadata.name, _Tail(cluster, pod))
                yield from tail.lines(follow=True)
            answered = clock()
        except ClusterError as error:
            refused = isinstance(error, AnswerError) and error.status not in (500, *BUSY)
            if refused or clock() - answered > PATIENCE_SECONDS:
                raise
            over = False
        if over or _succeeded(tails):
            break
        sleep(EVERY_SECONDS)
    if not tails:
        raise NotFoundError(f"{step} of the run {run_id} never had a pod; see `gan-pipelines status {run_id}`")


def pods_of(cluster: Cluster, run_id: str, step: str) -> list[Any]:
    """The pods of a step that are still there, the oldest first."""
    return oldest_first(pod for pod in cluster.pods(run_id) if step_of(pod) == step and container_of(pod))


class _Tail:
    """The log of one pod, of which each line is told once, however often the connection breaks.

    While its container has not begun, stderr is told why.
    """

    def __init__(self, cluster: Cluster, pod: Any) -> None:
        self._cluster = cluster
        self._name = pod.metadata.name
        self._unseen = Unseen()
        self._complaint = ""
        self.pod = pod

    def lines(self, *, follow: bool) -> Iterator[str]:
        """What is new; with `follow`, until the pod has ended or its connection breaks."""
        self.pod = self._read()
        if self.pod is None:
            return
        if not _has_begun(self.pod):
            self._complain(why_pending(self._cluster, self.pod) or "it is being made")
            return
        try:
            yield from self._unseen.of(self._stream(follow))
        except NotFoundError:
            return  # deleted meanwhile
        self.pod = self._read()

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            say(f"the pod {self._name} has printed nothing yet: {why}")
        self._complaint = why

    def _stream(self, follow: bool) -> Iterator[str]:
        answer = self._cluster.call(
            self._cluster.core.read_namespaced_pod_log,
            self._name,
            self._cluster.namespace,
            container=CONTAINER,
            follow=follow,
            timestamps=True,
            _preload_content=False,
            _request_timeout=(10, QUIET_SECONDS),
        )
        with in_words(self._cluster.client.configuration.host):
            yield from lines_of(answer)

    def _read(self) -> Any | None:
        try:
            return self._cluster.call(self._cluster.core.read_namespaced_pod, self._name, self._cluster.namespace)
        except NotFoundError:
            return None


def _has_begun(pod: Any) -> bool:
    state = state_of(pod)
    return bool(state and (state.running or state.terminated))


def _succeeded(tails: dict[str, _Tail]) -> bool:
    return any(tail.pod is not None and tail.pod.status.phase == "Succeeded" for tail in tails.values())
