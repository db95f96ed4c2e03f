"""Training on several nodes: the step's pod creates the workers, prints the log of worker 0, and ends as they end.

The workers are a JobSet, or an Indexed Job where JobSet is not installed. The step deletes them when it ends; if it is
killed, Kubernetes does, because the step's pod owns them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from components.kubernetes.api import KubernetesApi
from components.kubernetes.connect import open_cluster_as_pod
from components.kubernetes.pod_logs import PodLog
from components.multi_worker import manifests
from components.multi_worker import pod_status as states
from components.multi_worker.jobset_api import JobSetApi
from components.multi_worker.pod_status import MissingPodReporter, Worker
from components.runtime.pod_metadata import NAMESPACE, POD
from gan.config import Config
from gan.errors import NON_RETRYABLE, ClusterError, ConfigError, NotFoundError, WorkerLostError
from gan.result import StepResult
from gan.train.stop_signals import grace_seconds
from gan.types import Json
from gan.util import log

POLL_INTERVAL_SECONDS = 2.0
FINAL_LOG_TIMEOUT_SECONDS = 60.0
MAX_OUTAGE_SECONDS = 300.0
IDLE_TIMEOUT_SECONDS = 60.0


def train_together(workers: int, config: Config, store: str, dataset_id: str, run_id: str | None) -> StepResult:
    """Train a run with several workers, each in a pod like this one; see `gan.steps.train.train`.

    Raises:
        ConfigError: this is not a pod that knows its own name.
        ClusterError: Kubernetes can't be reached, or refuses.
        WorkerLostError: a worker was killed, or could not be started.
        GanError: the error of the worker that failed first.
    """
    if config.train.batch_size % workers:
        raise ConfigError(
            f"train.batch_size must be a multiple of the {workers} workers that share a batch; got "
            f"{config.train.batch_size}. Give --set train.batch_size={-(-config.train.batch_size // workers) * workers}"
        )
    request = {"config": config.to_yaml(), "store": store, "dataset_id": dataset_id, "run_id": run_id}
    group = WorkerGroup(workers, request, os.environ)
    with group:
        return group.wait()


class WorkerGroup:
    """The workers of one step: created on entry, deleted on exit.

    Args:
        workers: how many.
        request: what they train; see `components.multi_worker.worker`.
        environ: holds the names of this pod and its namespace.
        api: by default that of this pod's service account.
        sleep: passes the time between two polls.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        workers: int,
        request: Json,
        environ: Mapping[str, str],
        api: KubernetesApi | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        pod, namespace = environ.get(POD), environ.get(NAMESPACE)
        if not pod or not namespace:
            raise ConfigError(
                f"training with {workers} workers creates pods like this one and needs its name: GAN_POD and "
                "GAN_NAMESPACE are not set. Submit with a profile, or train with workers 1"
            )
        self._api = api or open_cluster_as_pod(namespace, max_outage_seconds=MAX_OUTAGE_SECONDS)
        self._workers = workers
        self._request = request
        self._sleep = sleep
        self._clock = clock
        self._pod = self._api.to_json(self._api.call(self._api.core.read_namespaced_pod, pod, namespace))
        self._name = manifests.name_of(self._pod)
        self._jobset = JobSetApi(self._api, self._pod)
        self._missing_pods = MissingPodReporter(self._api, self._jobset.group)
        self._seen: dict[int, Worker] = {}
        self._reasons_said: dict[int, str] = {}

    def __enter__(self) -> WorkerGroup:
        try:
            self._jobset.create(self._workers, self._request)
        except BaseException:
            self._delete()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._delete()

    def wait(self) -> StepResult:
        """Wait until all workers are done, or one failed; meanwhile print the log of worker 0.

        Raises:
            GanError: see `train_together`.
        """
        printer: LogPrinter | None = None
        while not any(each.failed for each in self._poll()):
            if len(self._seen) == self._workers and all(each.ended for each in self._seen.values()):
                break
            self._missing_pods.report(missing=self._workers - len(self._seen))
            printer = printer or self._print_log()
            self._sleep(POLL_INTERVAL_SECONDS)
        self._wait_for_chief()
        if printer is not None:
            printer.finish()
        if any(each.failed for each in self._seen.values()):
            raise states.failure(list(self._seen.values()))
        return states.result(self._seen[0])

    def _poll(self) -> list[Worker]:
        """All workers as of now. A worker whose pod is gone keeps its last state if it had ended, else it is lost.

        If another worker failed with a permanent error, that explains the loss, and none is reported.

        Raises:
            WorkerLostError: a worker is lost.
        """
        now = {each.index: each for each in map(states.worker, self._pods())}
        lost = [before for index, before in self._seen.items() if index not in now and not before.ended]
        if lost and not any(each.exit_code in NON_RETRYABLE for each in now.values()):
            who = " and ".join(f"worker {each.index} (pod {each.pod} on node {each.node or 'none'})" for each in lost)
            were = "was" if len(lost) == 1 else "were"
            raise WorkerLostError(
                f"{who} {were} deleted; run the same command again: it continues from the last checkpoint"
            )
        for each in lost:
            del self._seen[each.index]
        self._seen |= now
        for index, each in now.items():
            if each.pending_reason != self._reasons_said.get(index, ""):
                self._reasons_said[index] = each.pending_reason
                if each.pending_reason:
                    log.info(f"worker {index} waits", pod=each.pod, reason=each.pending_reason)
        return list(self._seen.values())

    def _pods(self) -> list[Json]:
        selector = f"{manifests.LABEL}={self._name}"
        return [self._api.to_json(pod) for pod in self._api.list_objects(self._api.core.list_namespaced_pod, selector)]

    def _wait_for_chief(self) -> None:
        """Give worker 0 time to publish what it has to save, and to leave its message."""
        deadline = self._clock() + FINAL_LOG_TIMEOUT_SECONDS
        while self._clock() < deadline and 0 in self._seen and not self._seen[0].ended:
            self._sleep(POLL_INTERVAL_SECONDS)
            try:
                self._poll()
            except WorkerLostError:
                return

    def _print_log(self) -> LogPrinter | None:
        chief = self._seen.get(0)
        if chief is None or chief.phase == "Pending":
            return None
        return LogPrinter(self._api, chief.pod)

    def _delete(self) -> None:
        """Delete the workers, and wait until their pods have ended, for as long as this pod's own grace."""
        if not self._jobset.delete():
            return
        deadline = self._clock() + grace_seconds()
        while self._clock() < deadline:
            try:
                left = self._pods()
            except (ClusterError, NotFoundError):
                return
            if not left:
                return
            self._sleep(POLL_INTERVAL_SECONDS)


class LogPrinter:
    """Prints the log of a pod to stderr in a thread of its own, from the first line; reconnects where it breaks."""

    def __init__(self, api: KubernetesApi, pod: str) -> None:
        self._log = PodLog(api, pod, idle_timeout_seconds=IDLE_TIMEOUT_SECONDS)
        self._pod_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Print the rest; call it once the pod has ended."""
        self._pod_ended.set()
        self._thread.join(FINAL_LOG_TIMEOUT_SECONDS)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._pod_ended.is_set()
            with suppress(ClusterError, NotFoundError):
                for line in self._log.new_lines(follow=True):
                    log.write_line(line, sys.stderr)
            if not last:
                self._pod_ended.wait(POLL_INTERVAL_SECONDS)
