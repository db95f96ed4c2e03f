"""Records this process in the store as an attempt at its step: see `gan.store.records.executions`.

The pod's environment says which attempt it is; without GAN_EXECUTION nothing is recorded. A record that can't be
written is a warning, and never fails the step.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from components.runtime.pod_metadata import EXECUTION, IMAGE, NODE, POD, TASK
from gan.errors import NON_RETRYABLE, FencedError, GanError, Stopped
from gan.result import StepResult
from gan.store import Store, open_store
from gan.store.records import executions
from gan.store.records.executions import DONE, FAILED, RUNNING, STOPPED, ExecutionAttempt
from gan.util import log

RETRY = re.compile(r"(.+)\((\d+)\)")
"""Argo's name of an attempt at a task that is retried automatically: the n-th ends with "(n)", the first with "(0)"."""

NO_RETRY = NON_RETRYABLE | {FencedError.exit_code}
"""Exit codes after which an automatic retry does nothing. FencedError is among them: where a newer attempt, most likely
of another run, took over the training, the retries of both would take it from each other for ever and save nothing."""

Now = Callable[[], str]


def now() -> str:
    """The time in UTC as ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RepeatedError(GanError):
    """The attempt before ended with an error that a retry can't fix; it is raised again without any work."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class AttemptLog:
    """Records one attempt: when it begins, when it is stopped, and how it ended.

    Args:
        step: the step's name.
        store: the URI of the store.
        environment: the variables of the pod.
        clock: the time of day, as `now`.
    """

    def __init__(self, step: str, store: str, environment: Mapping[str, str], clock: Now = now) -> None:
        self._uri = store
        self._clock = clock
        self._execution = environment.get(EXECUTION, "") if store else ""
        self._attempt = _attempt(step, environment, clock())
        self._store: Store | None = None
        self._lock = threading.RLock()

    def begin(self) -> None:
        """Record that the attempt began.

        Raises:
            RepeatedError: it is an automatic retry after an error that a retry can't fix.
        """
        if not self._execution:
            return
        before: list[ExecutionAttempt] = []
        try:
            with self._lock:
                store = open_store(self._uri)
                if self._attempt.retry:
                    before = executions.read_task(store, self._execution, self._attempt.step, self._attempt.task)
                self._attempt = executions.begin(store, self._execution, self._attempt)
                self._store = store
        except GanError as error:
            log.warning("the log of attempts can't be written", reason=str(error))
        if before and before[-1].retry < self._attempt.retry:  # else a person's retry began a new series
            self._check_last(before[-1])

    def _check_last(self, before: ExecutionAttempt) -> None:
        if before.state == FAILED and before.error is not None and before.exit_code in NO_RETRY:
            self._attempt = dataclasses.replace(self._attempt, repeated=True)
            raise RepeatedError(before.error, before.exit_code)
        if before.state == RUNNING:
            log.warning("the attempt before was killed, most likely because it ran out of memory", pod=before.pod)

    def done(self, result: StepResult) -> None:
        """The step made something."""
        self._end(state=DONE, exit_code=0, outcome=dataclasses.asdict(result))

    def failed(self, error: BaseException, message: str, exit_code: int) -> None:
        """The step ended with an error, or was stopped."""
        state = STOPPED if isinstance(error, Stopped | KeyboardInterrupt) else FAILED
        self._end(state=state, exit_code=exit_code, error=message)

    def stopping(self, message: str, exit_code: int) -> None:
        """SIGTERM came: from now on the process may be killed at any moment."""
        with self._lock:
            if self._attempt.state == RUNNING:
                self._end(state=STOPPED, exit_code=exit_code, error=message)

    def _end(self, **fields: Any) -> None:
        with self._lock:
            self._attempt = dataclasses.replace(self._attempt, ended_at=self._clock(), **fields)
            if self._store is None:
                return
            try:
                executions.write(self._store, self._execution, self._attempt)
            except GanError as error:
                log.warning("the end of the step can't be recorded", reason=str(error))


def _attempt(step: str, environment: Mapping[str, str], began_at: str) -> ExecutionAttempt:
    name = environment.get(TASK, "") or step
    retried = RETRY.fullmatch(name)
    task, retry = (retried[1], int(retried[2])) if retried else (name, 0)
    pod, node, image = (environment.get(variable, "") for variable in (POD, NODE, IMAGE))
    return ExecutionAttempt(step, task, 0, began_at, retry=retry, pod=pod, node=node, image=image)
