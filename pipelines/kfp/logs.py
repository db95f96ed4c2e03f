"""What a step prints, attempt after attempt, from its pods; also while it runs, through restarts of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from components.multi_worker.pod_log_follower import LineDeduplicator, lines_of
from components.runtime.pod_metadata import CONTAINER
from gan.errors import ClusterError, NotFoundError
from gan.util.log import say, warn
from pipelines.kfp import runs
from pipelines.kfp.api_errors import BUSY, DOUBTFUL, AnswerError
from pipelines.kfp.connection import Connection
from pipelines.kubernetes.cluster import Cluster, in_words
from pipelines.kubernetes.pod_explanations import why_pending
from pipelines.kubernetes.step_pods import container_of, oldest_first, state_of, step_of, task_of

EVERY_SECONDS = 2.0
QUIET_SECONDS = 300  # a stream that was silent for so long is asked for anew
PATIENCE_SECONDS = 600.0
OFTEN = frozenset({"propose", "trial"})  # of a sweep: whenever one has ended, another may come


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
    yield from _lines_of([_Tail(cluster, pod) for pod in pods], follow=False)


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

    Of steps that come often it is what all of them print, the oldest first, until the run has ended.

    Raises:
        NotFoundError: the run has ended, and the step never had a pod.
        ClusterError: Kubernetes was away for ten minutes, or refuses.
    """
    tails: dict[str, _Tail] = {}
    absence = _Absence(clock)
    while True:
        over = runs.get(connection, run_id).state in runs.ENDED  # before the pods are listed, so that none is missed
        try:
            pods = pods_of(cluster, run_id, step)
            there = [tails.setdefault(pod.metadata.name, _Tail(cluster, pod, absence.end)) for pod in pods]
            yield from _lines_of(there, follow=True)
            absence.end()
        except ClusterError as error:
            refused = isinstance(error, AnswerError) and not _may_pass(error)
            if refused or absence.seconds() > PATIENCE_SECONDS:
                raise
            over = False
        if over or _has_ended(step, tails.values()):
            break
        sleep(EVERY_SECONDS)
    if not tails:
        raise NotFoundError(f"{step} of the run {run_id} never had a pod; see `gan-pipelines status {run_id}`")


def pods_of(cluster: Cluster, run_id: str, step: str) -> list[Any]:
    """The pods of a step that are still there, the oldest first."""
    return oldest_first(pod for pod in cluster.pods(run_id) if step_of(pod) == step and container_of(pod))


def _lines_of(tails: Sequence[_Tail], *, follow: bool) -> Iterator[str]:
    """What is new in the logs of pods, one after another; one that is not given hides none after it."""
    for number, tail in enumerate(tails, 1):
        try:
            yield from tail.lines(follow=follow)
        except AnswerError as error:
            if not _may_pass(error) or number == len(tails):
                raise
            tail.unread(str(error))


def _may_pass(error: AnswerError) -> bool:
    return error.status in (*DOUBTFUL, *BUSY)


class _Absence:
    """How long Kubernetes has been away: since the first failure after it was heard last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def end(self) -> None:
        """Something was heard."""
        self._since = None

    def seconds(self) -> float:
        """How long it has lasted; begins now where Kubernetes was heard since the failure before."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        return now - self._since


class _Tail:
    """The log of one pod, of which each line is told once, however often the connection breaks.

    While its container has not begun, stderr is told why. `heard` is told of all that comes, also of lines told before.
    """

    def __init__(self, cluster: Cluster, pod: Any, heard: Callable[[], None] = lambda: None) -> None:
        self._cluster = cluster
        self._name = pod.metadata.name
        self._heard = heard
        self._unseen = LineDeduplicator()
        self._complaint = ""
        self._told_unread = False
        self._all_told = False
        self.task = task_of(pod)
        self.succeeded = False

    def lines(self, *, follow: bool) -> Iterator[str]:
        """What is new; with `follow`, until the pod has ended or its connection breaks."""
        before = None if self._all_told else self._read()
        if before is None:
            return
        if not _has_begun(before):
            self._complain(why_pending(self._cluster, before) or "it is being made")
            return
        try:
            yield from self._unseen.of(self._stream(follow))
        except NotFoundError:
            return  # deleted meanwhile
        self._all_told = before.status.phase in ("Succeeded", "Failed")  # else the stream may have ended too early
        after = self._read()
        self.succeeded = after is not None and after.status.phase == "Succeeded"

    def unread(self, why: str) -> None:
        """Tell once that its log is not given: its node does not answer, most likely; later attempts have others."""
        if not self._told_unread:
            warn(f"what {self._name} printed is not shown", reason=why)
        self._told_unread = True

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
        self._heard()
        with in_words(self._cluster.client.configuration.host):
            for line in lines_of(answer):
                self._heard()
                yield line

    def _read(self) -> Any | None:
        try:
            return self._cluster.call(self._cluster.core.read_namespaced_pod, self._name, self._cluster.namespace)
        except NotFoundError:
            return None


def _has_begun(pod: Any) -> bool:
    state = state_of(pod)
    return bool(state and (state.running or state.terminated))


def _has_ended(step: str, tails: Collection[_Tail]) -> bool:
    """Whether every task of a step has an attempt that succeeded, and no other task of it can come."""
    done = {tail.task for tail in tails if tail.succeeded}
    return step not in OFTEN and bool(done) and all(tail.task in done for tail in tails)
