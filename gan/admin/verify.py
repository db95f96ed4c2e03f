"""Read every byte again and compare it with its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec

from gan import lineage
from gan.data import spec
from gan.errors import IntegrityError, NotFoundError
from gan.export import directions
from gan.lineage import DATASET, GENERATOR, NAME, RUN, ObjectRef
from gan.metrics import evaluations
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias, immutable
from gan.store.records import verdicts
from gan.store.records.audit_logs import AUDIT_LOGS
from gan.train.checkpoint.files import Checkpoints
from gan.train.logging.metrics_log import read_metrics
from gan.train.run import config_damages, read_run

P = ParamSpec("P")


def verify(store: Store, object_ids: Sequence[str] = ()) -> StepResult:
    """Check datasets, references, generators and their directions, runs with all their files, promoted names, and every
    audit log.

    Args:
        store: the store to check.
        object_ids: what to check; nothing means everything. An id that a run and a promoted name share means both.

    Returns:
        A result with the details `checked` (ids) and `damages` (a sentence each).

    Raises:
        NotFoundError: the store has nothing with an id.
    """
    watch = Stopwatch()
    logs = [ObjectRef(log.kind, each) for log in AUDIT_LOGS.values() for each in log.records(store)]
    refs = sorted([*lineage.object_refs(store), *logs], key=lambda key: (key.id, key.kind))
    known = {key.id for key in refs}
    for object_id in object_ids:
        if object_id not in known:
            raise NotFoundError(f'nothing in the store is called "{object_id}"; list the store with: gan inspect')
    chosen = [key for key in refs if not object_ids or key.id in object_ids]
    damages = dict.fromkeys(damage for key in chosen for damage in find_damage(store, key))
    details = {"checked": [key.id for key in chosen], "damages": list(damages)}
    return StepResult("store", store.uri, watch.seconds(), details=details)


def find_damage(store: Store, key: ObjectRef) -> Iterator[str]:
    """Read every byte of an object again and yield a sentence for each damage."""
    if key.kind == RUN:
        yield from _run_damage(store, key.id)
    elif key.kind == NAME:
        yield from _alias_damage(store, key.id)
    elif key.kind in AUDIT_LOGS:
        yield from AUDIT_LOGS[key.kind].find_damage(store, key.id)
    else:
        yield from immutable.find_damage(store, key.kind, key.id)
    if key.kind == GENERATOR:
        yield from directions.damages(store, key.id)
    if key.kind == DATASET:
        yield from _read_error(spec.load, store, key.id)  # SHA256SUMS may be of another dataset, or incomplete


def _alias_damage(store: Store, name: str) -> Iterator[str]:
    try:
        live = alias.read(store, name).live
    except IntegrityError as error:
        yield str(error)
    else:
        if live is not None and not immutable.is_published(store, "generator", live):
            yield f"{store.uri_of(alias.key_of(name))} points to {live}, which is not in the store"


def _run_damage(store: Store, run_id: str) -> Iterator[str]:
    checkpoints = Checkpoints(store, run_id)
    try:
        yield from config_damages(store, read_run(store, run_id))
    except IntegrityError as error:
        yield str(error)
    try:
        for step in checkpoints.steps():
            yield from _read_error(checkpoints.check, step)
    except IntegrityError as error:
        yield str(error)  # without the record of attempts, no checkpoint is known to be valid
    yield from _read_error(read_metrics, store, run_id)
    for key in evaluations.keys(store, run_id):
        yield from _read_error(_read_evaluation, store, key)
    for name in verdicts.names(store, run_id):
        yield from _read_error(verdicts.read, store, run_id, name)


def _read_evaluation(store: Store, key: str) -> None:
    record = evaluations.read_key(store, key)
    if "contributions_sha256" in record:
        evaluations.read_contributions(store, record)


def _read_error(read: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
    """The error of a reader that checks what it reads, if there is damage."""
    try:
        read(*args, **kwargs)
    except (IntegrityError, NotFoundError) as error:
        yield str(error)
