"""Copy objects with their lineage from one store to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from gan.console import say, warn
from gan.errors import AlreadyExistsError, ConfigError, ConflictError, IntegrityError, NotFoundError, unknown_name
from gan.scratch import scratch_folder
from gan.steps import lineage
from gan.steps.lineage import KINDS, NAME, RUN, Key
from gan.steps.outcome import Outcome, Stopwatch
from gan.steps.verify import damages
from gan.store import Store, pointer, runs, sealed
from gan.store.transfer import Job, transfer
from gan.train.checkpoint import Checkpoints


def copy(source: Store, target: Store, object_ids: Sequence[str] = ()) -> Outcome:
    """Copy objects and all that they were made from, each checked on both sides.

    What is there already with the same bytes stays. A name is copied with every generator that it ever had live, and
    goes on from a shorter history of its own. What a run refers to that is not in the source is warned of.

    Args:
        source: where the objects are.
        target: where they go.
        object_ids: which ones; none means everything. An id of a run and of a promoted name means both.

    Returns:
        The URI of the target; details: `copied` and `skipped`, a list of "kind id" each.

    Raises:
        ConfigError: both stores are one.
        NotFoundError: the source has no such object.
        IntegrityError: an object is damaged in the source, or arrived damaged.
        ConflictError: the target has something else under the same id.
    """
    watch = Stopwatch()
    if source.uri == target.uri:
        raise ConfigError(f"SRC and DST are the same store, {source.uri}; give two")
    copied: dict[bool, list[str]] = {True: [], False: []}
    wanted = _with_lineage(source, object_ids)
    for key in wanted:
        changed = _copy(source, target, key)
        copied[changed].append(f"{key.kind} {key.id}")
        say(f"{key.kind} {key.id} {'copied' if changed else 'is there already'}", uri=target.uri)
    for key in wanted:
        for damage in damages(target, key):
            raise IntegrityError(f"what was copied is not as it should be: {damage}")
    return Outcome(
        "store", target.uri, watch.seconds(), not copied[True], {"copied": copied[True], "skipped": copied[False]}
    )


def _with_lineage(source: Store, object_ids: Iterable[str]) -> list[Key]:
    """The objects of these ids with all that they need, what others need first."""
    there = set(lineage.keys(source))
    known = {key.id for key in there}
    for object_id in object_ids:
        if object_id not in known:
            raise NotFoundError(unknown_name("object", object_id, known, "List them with: gan inspect"))
    left = [key for key in there if not object_ids or key.id in object_ids]
    wanted: set[Key] = set()
    while left:
        key = left.pop()
        if key not in there:
            warn(f"{key.kind} {key.id} is not in {source.uri}; what needs it is copied without it")
        elif key not in wanted:
            wanted.add(key)
            left += lineage.needs(source, key)
    return sorted(wanted, key=lambda key: (KINDS.index(key.kind), key.id))


def _copy(source: Store, target: Store, key: Key) -> bool:
    """Copy one object; returns whether there was anything to copy."""
    if key.kind == NAME:
        return pointer.adopt(target, key.id, pointer.read(source, key.id).moves)
    if key.kind == RUN:
        return _copy_run(source, target, key)
    if sealed.is_published(target, key.kind, key.id):
        sums = [sealed.read_sums(store, key.kind, key.id) for store in (source, target)]
        if sums[0] == sums[1]:
            return False
    with scratch_folder() as folder:
        sealed.fetch(source, key.kind, key.id, folder)
        sealed.publish(target, key.kind, key.id, sealed.files_below(folder))
    return True


def _copy_run(source: Store, target: Store, key: Key) -> bool:
    """Copy a run, its record last. What killed or fenced attempts left of checkpoints is left behind."""
    for damage in damages(source, key):
        raise IntegrityError(f"not copied: {damage}")
    dead = {item for folder in Checkpoints(source, key.id).folders() if not folder.counts for item in folder.items}
    items = [item for item in source.list(runs.folder(key.id)) if item not in dead]
    record = runs.record(key.id)
    with scratch_folder() as folder:
        jobs = [
            Job(item.size, partial(_copy_file, source, target, item.key, folder / str(number)))
            for number, item in enumerate(items)
            if item.key != record
        ]
        changed = transfer(f"copy {runs.folder(key.id)}", jobs)
        changed.append(_copy_file(source, target, record, folder / runs.RECORD))
    return any(changed)


def _copy_file(source: Store, target: Store, key: str, path: Path) -> bool:
    try:
        if not target.exists(key):
            source.download(key, path)
            target.upload(key, path, if_absent=True)
            return True
    except NotFoundError:
        raise ConflictError(
            f"{source.uri_of(key)} was deleted while it was to be copied; run the same command again"
        ) from None
    except AlreadyExistsError:
        pass  # somebody else copied it just now
    finally:
        path.unlink(missing_ok=True)
    found, there = source.sha256(key), target.sha256(key)
    if found != there:
        raise ConflictError(
            f"{target.uri_of(key)} is there with other content: SHA-256 {there} there, {found} in {source.uri}; it is "
            f"of another state of the same run. Delete {target.uri_of('/'.join(key.split('/')[:2]))} to copy it anew, "
            "or copy to another store"
        )
    return False
