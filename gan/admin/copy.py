"""Copy objects with their lineage from one store to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gan import lineage
from gan.admin.verify import find_damage
from gan.errors import AlreadyExistsError, ConfigError, ConflictError, IntegrityError, NotFoundError, unknown_name
from gan.lineage import KINDS, NAME, RUN, ObjectRef
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias, immutable, layout
from gan.store.cloud.transfer import TransferJob, transfer
from gan.train.checkpoint.files import Checkpoints
from gan.util import log
from gan.util.scratch import scratch_folder


def copy(source: Store, target: Store, object_ids: Sequence[str] = ()) -> StepResult:
    """Copy objects and all that they were made from, each checked on both sides.

    Objects with the same bytes in the target stay. A name is copied with every generator that was ever live under it,
    and may extend a shorter history in the target. Dependencies missing in the source cause a warning. A damaged object
    is not copied, nor is what depends on it; all else is, then the damage is reported.

    Args:
        source: the store with the objects.
        target: the store to copy to.
        object_ids: which ones; none means everything. An id that a run and a promoted name share means both.

    Returns:
        The URI of the target; details: `copied` and `skipped`, a list of "kind id" each.

    Raises:
        ConfigError: both stores are the same.
        NotFoundError: the source has no such object.
        IntegrityError: objects are damaged in the source or the target; all others were copied.
        ConflictError: the target has other content under the same id.
    """
    watch = Stopwatch()
    if source.uri == target.uri:
        raise ConfigError(f"SRC and DST are the same store, {source.uri}; give two")
    copied: dict[bool, list[str]] = {True: [], False: []}
    wanted, damaged = _with_lineage(source, object_ids)
    blocked: list[ObjectRef] = []
    for key in sorted(wanted, key=lambda key: (KINDS.index(key.kind), key.id)):
        if any(need in damaged or need in blocked for need in wanted[key]):
            blocked.append(key)
            continue
        try:
            changed = _copy(source, target, key)
        except IntegrityError as error:
            damaged[key] = str(error)
            continue
        copied[changed].append(f"{key.kind} {key.id}")
        log.info(f"{key.kind} {key.id} {'copied' if changed else 'exists already'}", uri=target.uri)
    for key in wanted.keys() - damaged.keys() - set(blocked):
        if found := "; ".join(find_damage(target, key)):
            damaged[key] = f"the copy is damaged: {found}; {_remedy(target, key)}"
    if damaged:
        raise _damage_error(damaged, blocked)
    return StepResult(
        "store", target.uri, watch.seconds(), not copied[True], {"copied": copied[True], "skipped": copied[False]}
    )


def _with_lineage(
    source: Store, object_ids: Iterable[str]
) -> tuple[dict[ObjectRef, tuple[ObjectRef, ...]], dict[ObjectRef, str]]:
    """The objects of these ids and all dependencies, each with its own; and the errors of unreadable objects."""
    existing = set(lineage.object_refs(source))
    known = {key.id for key in existing}
    for object_id in object_ids:
        if object_id not in known:
            raise NotFoundError(unknown_name("object", object_id, known, "List them with: gan inspect"))
    left = [key for key in existing if not object_ids or key.id in object_ids]
    wanted: dict[ObjectRef, tuple[ObjectRef, ...]] = {}
    damaged: dict[ObjectRef, str] = {}
    while left:
        key = left.pop()
        if key not in existing:
            log.warning(f"{key.kind} {key.id} is not in {source.uri}; what depends on it is copied without it")
        elif key not in wanted and key not in damaged:
            try:
                wanted[key] = lineage.dependencies(source, key)
            except IntegrityError as error:
                damaged[key] = str(error)
            else:
                left += wanted[key]
    return wanted, damaged


def _damage_error(damaged: Mapping[ObjectRef, str], blocked: Sequence[ObjectRef]) -> IntegrityError:
    """One error, in one line, about all damaged objects."""
    details = [f"({number}) {key.kind} {key.id}: {damaged[key]}" for number, key in enumerate(sorted(damaged), start=1)]
    if blocked:
        details.append(
            f"not copied, because they depend on these: {', '.join(f'{key.kind} {key.id}' for key in blocked)}"
        )
    what = "1 object is" if len(damaged) == 1 else f"{len(damaged)} objects are"
    return IntegrityError(
        f"{what} damaged: {'; '.join(details)}; all else is copied. Repair the damage and run the same command again"
    )


def _remedy(target: Store, key: ObjectRef) -> str:
    """What to do about an object that is damaged in the target."""
    if key.kind == NAME:  # its record was compared already: its generator is missing
        return f"copy that generator from the store that has it, or delete {target.uri_of(alias.key_of(key.id))}"
    folder = layout.folder(key.id) if key.kind == RUN else immutable.prefix_of(key.kind, key.id)
    return f"delete {target.uri_of(folder)} and run the same command again"


def _copy(source: Store, target: Store, key: ObjectRef) -> bool:
    """Copy one object; returns whether anything was copied."""
    if key.kind == NAME:
        return alias.import_history(target, key.id, alias.read(source, key.id).history)
    if key.kind == RUN:
        return _copy_run(source, target, key)
    if immutable.is_published(target, key.kind, key.id):
        sums = [immutable.read_sums(store, key.kind, key.id) for store in (source, target)]
        if sums[0] == sums[1]:
            return False
    with scratch_folder() as folder:
        immutable.fetch(source, key.kind, key.id, folder)
        immutable.publish(target, key.kind, key.id, immutable.files_below(folder))
    return True


def _copy_run(source: Store, target: Store, key: ObjectRef) -> bool:
    """Copy a run, its record last, without the checkpoints of killed or fenced attempts."""
    if found := "; ".join(find_damage(source, key)):
        raise IntegrityError(f"not copied: {found}")
    invalid = {item for folder in Checkpoints(source, key.id).folders() if not folder.valid for item in folder.items}
    items = [item for item in source.list(layout.folder(key.id)) if item not in invalid]
    record = layout.record(key.id)
    with scratch_folder() as folder:
        jobs = [
            TransferJob(item.size, partial(_copy_file, source, target, item.key, folder / str(number)))
            for number, item in enumerate(items)
            if item.key != record
        ]
        try:
            changed = transfer(f"copy {layout.folder(key.id)}", jobs)
            changed.append(_copy_file(source, target, record, folder / layout.RECORD))
        except ConflictError:
            if target.exists(record) and (found := "; ".join(find_damage(target, key))):
                raise IntegrityError(f"the target's copy is damaged: {found}; {_remedy(target, key)}") from None
            raise
    return any(changed)


def _copy_file(source: Store, target: Store, key: str, path: Path) -> bool:
    try:
        if not target.exists(key):
            source.download(key, path)
            target.upload(key, path, if_absent=True)
            return True
    except NotFoundError:
        raise ConflictError(f"{source.uri_of(key)} was deleted during the copy; run the same command again") from None
    except AlreadyExistsError:
        pass  # somebody else just copied it
    finally:
        path.unlink(missing_ok=True)
    ours, found = source.sha256(key), target.sha256(key)
    if ours != found:
        folder = target.uri_of("/".join(key.split("/")[:2]))
        raise ConflictError(
            f"{target.uri_of(key)} has other content: SHA-256 {found} there, {ours} in {source.uri}; it is of another "
            f"state of the same run. Delete {folder} and copy again, or copy to another store"
        )
    return False
