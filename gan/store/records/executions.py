"""The audit log of executions: how each attempt at each step of a pipeline run began and ended.

    executions/<execution>/<step>-<hash of the task>/<number>.json

One checksummed object an attempt, which the attempt writes when it begins and again when it ends. An execution is a
pipeline run (Kubeflow's run id); a task is one of its steps, by a name that all its attempts share.

An attempt that was killed outright (out of memory, pod deleted by force, node lost) can't write its end: its record
stays "running". Once its task has a later attempt, readers see it as "lost".
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import PurePosixPath

from gan.errors import AlreadyExistsError, IntegrityError, NotFoundError
from gan.store.cloud.transfer import in_parallel
from gan.store.document import checksummed_json, read_checksummed, write_checksummed
from gan.store.interface import Store
from gan.types import Json
from gan.util.ids import check_id, content_hash

FOLDER = "executions"
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
LOST = "lost"
DAMAGED = "damaged"
READ_THREADS = 8
REMEDY = "delete it: it is only a record for people"
KEYS = ("step", "task", "number", "began_at", "state")


@dataclass(frozen=True)
class ExecutionAttempt:
    """One process that runs or ran a task.

    Attributes:
        step: the step, such as "train".
        task: the name of the task within its execution, the same for all its attempts.
        number: the number of the attempt at its task, from 1, in the order of their beginnings.
        began_at: ISO 8601 in UTC, by the pod's clock.
        retry: the backend's count: 0 if a person began it (by a submit or a retry), n for the n-th automatic retry
            after that.
        pod: the name of its pod; empty without one, as are the next two.
        node: the host that it ran on.
        image: the image that it ran in.
        state: RUNNING, DONE, FAILED or STOPPED (by a signal, as at a preemption), as the attempt wrote it; LOST if the
            record says RUNNING but there is a later attempt; DAMAGED if the record can't be read: `error` says why,
            and all but `step` and `number` is empty.
        ended_at: like `began_at`; None while it runs or if nobody wrote it.
        exit_code: see `gan.errors`; None whenever `ended_at` is.
        error: the message that it ended with.
        repeated: it only repeated the error of the attempt before, which no retry fixes.
        outcome: its result: `id`, `uri`, `seconds`, `skipped` and `details`, as `gan.result.StepResult` has it.
    """

    step: str
    task: str
    number: int
    began_at: str
    retry: int = 0
    pod: str = ""
    node: str = ""
    image: str = ""
    state: str = RUNNING
    ended_at: str | None = None
    exit_code: int | None = None
    error: str | None = None
    repeated: bool = False
    outcome: Json | None = None


def folder(execution: str) -> str:
    """The folder of an execution."""
    return f"{FOLDER}/{check_id(execution, 'the execution')}"


def task_folder(execution: str, step: str, task: str) -> str:
    """The folder of the attempts at a task."""
    return f"{folder(execution)}/{check_id(step, 'the step')}-{content_hash(task)}"


def key_of(execution: str, attempt: ExecutionAttempt) -> str:
    """The key of the record of an attempt."""
    return f"{task_folder(execution, attempt.step, attempt.task)}/{attempt.number:04d}.json"


def begin(store: Store, execution: str, attempt: ExecutionAttempt) -> ExecutionAttempt:
    """Record the beginning of an attempt; returns it with its number."""
    while True:
        before = [_number(item.key) for item in store.list(task_folder(execution, attempt.step, attempt.task))]
        begun = dataclasses.replace(attempt, number=max(before, default=0) + 1)
        try:
            store.write(key_of(execution, begun), checksummed_json(dataclasses.asdict(begun)), if_absent=True)
        except AlreadyExistsError:
            continue  # another attempt at this task began at the same time
        return begun


def write(store: Store, execution: str, attempt: ExecutionAttempt) -> None:
    """Record how an attempt that `begin` returned ended."""
    write_checksummed(store, key_of(execution, attempt), dataclasses.asdict(attempt))


def read(store: Store, execution: str) -> list[ExecutionAttempt]:
    """Every attempt of an execution: the tasks in the order in which they began, each with its attempts in order.

    A damaged record does not hide the others. An execution that began no step has no attempts.

    Raises:
        ConfigError: the execution's name is not allowed.
        StoreError: the store can't be read.
    """
    return _read(store, folder(execution))


def read_task(store: Store, execution: str, step: str, task: str) -> list[ExecutionAttempt]:
    """The attempts at one task, in order; see `read`."""
    return _read(store, task_folder(execution, step, task))


def read_key(store: Store, key: str) -> ExecutionAttempt:
    """The attempt recorded under a key, as it was written.

    Raises:
        NotFoundError: there is no such record.
        IntegrityError: it is damaged.
    """
    tree = read_checksummed(store, key, keys=KEYS, remedy=REMEDY)
    known = {each.name for each in dataclasses.fields(ExecutionAttempt)}
    return ExecutionAttempt(**{name: value for name, value in tree.items() if name in known})


def _read(store: Store, prefix: str) -> list[ExecutionAttempt]:
    keys = [item.key for item in store.list(prefix)]
    found = in_parallel([partial(_read_if_present, store, key) for key in keys], threads=READ_THREADS)
    tasks: dict[str, list[ExecutionAttempt]] = {}
    for key, attempt in zip(keys, found, strict=True):
        if attempt is not None:
            tasks.setdefault(key.rpartition("/")[0], []).append(attempt)
    ordered = sorted((_mark_lost(sorted(each, key=attrgetter("number"))) for each in tasks.values()), key=_by_beginning)
    return [attempt for attempts in ordered for attempt in attempts]


def _read_if_present(store: Store, key: str) -> ExecutionAttempt | None:
    try:
        return read_key(store, key)
    except IntegrityError as error:
        return _damaged_attempt(key, str(error))
    except NotFoundError:
        return None  # deleted since the listing


def _damaged_attempt(key: str, error: str) -> ExecutionAttempt:
    step, _, _ = PurePosixPath(key).parent.name.rpartition("-")
    return ExecutionAttempt(step, "", _number(key), "", state=DAMAGED, error=error)


def _mark_lost(attempts: list[ExecutionAttempt]) -> list[ExecutionAttempt]:
    """The attempts at one task, with every RUNNING one but the last marked LOST."""
    return [
        dataclasses.replace(each, state=LOST) if each.state == RUNNING and each is not attempts[-1] else each
        for each in attempts
    ]


def _number(key: str) -> int:
    stem = PurePosixPath(key).stem
    return int(stem) if stem.isdecimal() else 0


def _by_beginning(attempts: list[ExecutionAttempt]) -> tuple[str, str]:
    began = min((each.began_at for each in attempts if each.began_at), default="")
    return began, attempts[0].step
