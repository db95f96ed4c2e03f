"""Lists a store, and what of it may be deleted by the rules of `gan gc`; deletes nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gan import lineage
from gan.admin.gc_reachability import StoreObject, unreachable
from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.export import directions
from gan.export.metadata import METADATA
from gan.lineage import DATASET, GENERATOR, KINDS, NAME, REFERENCE, RUN, ObjectRef
from gan.store import IncompleteUpload, Item, Store, alias, immutable, layout, step_cache
from gan.store.interface import PROBES
from gan.store.records.audit_logs import AUDIT_LOGS
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.retention import best_steps, retained
from gan.train.run import read_run
from gan.types import Json
from gan.util.ids import is_id

HOUR = 3600.0
TOMBSTONE = ".deleted"
FOLDERS = {**{folder: kind for kind, folder in immutable.KINDS.items()}, "runs": RUN}
CACHED_KINDS = {"preprocess": DATASET, "reference": REFERENCE, "export": GENERATOR, "train": RUN}
"""The kind of object that each step's cache entries name; the pipeline's own steps have the prefix "pipeline-"."""


@dataclass(frozen=True)
class Rules:
    """What stays, and for how long.

    Attributes:
        grace_seconds: what was written less long ago stays; 0 only where nobody else uses the store.
        runs_older_than_seconds: runs that were inactive for longer go with their generators, unless one of these was
            ever promoted, and so do the records of executions and sweeps; None: all stay.
        keep_last: how many of the last checkpoints of each run stay; None: as the run's config says.
        keep_every_steps: checkpoints at multiples of this stay too; None: as the run's config says.
    """

    grace_seconds: float = 24 * HOUR
    runs_older_than_seconds: float | None = None
    keep_last: int | None = None
    keep_every_steps: int | None = None

    def __post_init__(self) -> None:
        if self.grace_seconds < 0 or (self.runs_older_than_seconds or 0) < 0:
            raise ConfigError("--grace and --runs-older-than must be durations such as 24h or 90d, not below 0")
        for flag, value in (("--keep-last", self.keep_last), ("--keep-every", self.keep_every_steps)):
            if value is not None and value < 1:
                raise ConfigError(f"{flag} must be at least 1; got {value}")


@dataclass(frozen=True)
class GcCandidate:
    """Something that may be deleted: what it is and why, for people."""

    kind: str
    id: str
    why: str
    parts: tuple[Item | IncompleteUpload, ...]

    def to_json(self) -> Json:
        """Plain JSON types."""
        size = sum(part.size for part in self.parts)
        return {"kind": self.kind, "id": self.id, "why": self.why, "bytes": size, "objects": len(self.parts)}


class GcScan:
    """The objects of a store at one moment, and which of them nothing needs.

    `hidden` are objects whose marker files gc itself renamed: they count as complete.
    """

    def __init__(
        self, store: Store, rules: Rules, now: float, hidden: Mapping[ObjectRef, StoreObject] | None = None
    ) -> None:
        self._store, self._rules, self._hidden = store, rules, hidden or {}
        self._newer_than = _cutoff(now, rules.grace_seconds)
        age = rules.runs_older_than_seconds
        self._inactive_since = None if age is None else _cutoff(now, age)
        self.unreadable: list[str] = []
        self.parts = by_object(store.list())
        self.cache_entries = list(step_cache.entries(store))  # after the listing, so that no reference is missed
        self.objects = {key: self._object(key) for key in self.parts}
        self.objects |= {key: self._object(key) for key in (ObjectRef(NAME, name) for name in alias.names(store))}
        recent = [entry for entry in self.cache_entries if entry.item.modified >= self._newer_than]
        pinned = {key for entry in recent if (key := _cached_object(entry))}
        damaged = [entry for entry in recent if entry.object_id is None]
        self.unreadable += [f"{store.uri_of(entry.item.key)} is damaged" for entry in damaged]
        may_refer = [StoreObject(ObjectRef(NAME, ""), math.inf, dependencies=None)] if damaged else []
        self.unreachable = unreachable(
            [*self.objects.values(), *may_refer],
            pinned=pinned,
            newer_than=self._newer_than,
            inactive_since=self._inactive_since,
        )

    def _object(self, key: ObjectRef) -> StoreObject:
        parts = self.parts.get(key, [])
        modified = max((part.modified for part in parts if not part.key.endswith(TOMBSTONE)), default=math.inf)
        if key in self._hidden:
            return StoreObject(key, modified, dependencies=self._hidden[key].dependencies)
        if key.kind != NAME and marker_key(key) not in {part.key for part in parts}:
            return StoreObject(key, modified, complete=False)
        try:
            return StoreObject(key, modified, dependencies=lineage.dependencies(self._store, key))
        except (IntegrityError, NotFoundError) as error:
            self.unreadable.append(str(error))
            return StoreObject(key, modified, dependencies=None)

    def dangling(self) -> list[GcCandidate]:
        """What nothing ever refers to: checkpoints beyond the rule, directions without their generator, old audit logs,
        what killed processes left.
        """
        return [*self._checkpoints(), *self._directions(), *self._audit_logs(), *self._incomplete_uploads()]

    def unreachable_objects(self) -> Iterator[GcCandidate]:
        """The objects that nothing needs, dependents first."""
        for key in dependents_first(self.unreachable):
            parts = tuple(self.parts[key])
            if not self.objects[key].complete:
                yield GcCandidate(f"unfinished {key.kind}", key.id, "it was never finished", parts)
            elif key.kind in (RUN, GENERATOR):
                yield GcCandidate(key.kind, key.id, "its run was inactive for long, and was never promoted", parts)
            else:
                yield GcCandidate(key.kind, key.id, "nothing refers to it", parts)

    def _checkpoints(self) -> Iterator[GcCandidate]:
        exported = self._exported()
        for key, each in self.objects.items():
            if key.kind == RUN and each.complete and each.dependencies is not None and key not in self.unreachable:
                try:
                    yield from self._checkpoints_of(key.id, exported)
                except IntegrityError as error:
                    self.unreadable.append(str(error))

    def _checkpoints_of(self, run_id: str, exported: Mapping[str, set[int]] | None) -> Iterator[GcCandidate]:
        settings = read_run(self._store, run_id).config.train
        checkpoints = Checkpoints(self._store, run_id)
        folders = checkpoints.folders()
        steps = [folder.step for folder in folders if folder.valid]
        last = self._rules.keep_last or settings.keep_checkpoints
        kept: Collection[int] = steps
        if exported is not None:
            kept = retained(
                steps,
                last=last,
                every_steps=self._rules.keep_every_steps or settings.keep_every_steps,
                referenced=best_steps(self._store, run_id) | exported.get(run_id, set()),
                unscheduled=[each.step for each in folders if each.valid and not checkpoints.on_schedule(each)],
            )
        for folder in folders:
            if folder.valid and folder.step in kept:
                continue
            if all(item.modified < self._newer_than for item in folder.items):
                why = f"beyond the last {last}, not the best, not exported" if folder.valid else "of a dead attempt"
                name = f"{run_id}@{folder.step}" + ("" if folder.valid else f"-{folder.attempt}")
                yield GcCandidate("checkpoint", name, why if folder.complete else "it was never finished", folder.items)

    def _exported(self) -> dict[str, set[int]] | None:
        """The steps of each run that generators were exported from; None where a generator can't be read."""
        steps: dict[str, set[int]] = {}
        for key, each in self.objects.items():
            if key.kind == GENERATOR and each.complete and key not in self.unreachable:
                if each.dependencies is None:
                    return None
                metadata = immutable.read_json(self._store, GENERATOR, key.id, METADATA)
                steps.setdefault(metadata["run_id"], set()).add(metadata["step"])
        return steps

    def _directions(self) -> Iterator[GcCandidate]:
        for item in self._store.list(directions.FOLDER):
            generator_id = directions.generator_of(item.key)
            key = ObjectRef(GENERATOR, generator_id or "")
            gone = key not in self.objects or key in self.unreachable
            if generator_id is not None and gone and item.modified < self._newer_than:
                yield GcCandidate("directions", generator_id, "its generator is gone", (item,))

    def _audit_logs(self) -> Iterator[GcCandidate]:
        """The records of pipeline runs and sweeps that were inactive for as long as runs may be."""
        if self._inactive_since is None:
            return
        for log in AUDIT_LOGS.values():
            for name, items in log.records(self._store).items():
                if all(item.modified < min(self._inactive_since, self._newer_than) for item in items):
                    yield GcCandidate(log.kind, name, "nothing was added to it for long", tuple(items))

    def stale_cache_entries(self) -> list[GcCandidate]:
        """The cache entries that are damaged, or name objects that are gone or go now."""
        found = []
        for entry in self.cache_entries:
            key = _cached_object(entry)
            gone = key is not None and (key not in self.objects or key in self.unreachable)
            if entry.item.modified < self._newer_than and (gone or entry.object_id is None):
                why = "what it is about is gone" if gone else "it is damaged"
                name = entry.item.key.removeprefix(f"{step_cache.FOLDER}/")
                found.append(GcCandidate("recipe", name, why, (entry.item,)))
        return found

    def _incomplete_uploads(self) -> Iterator[GcCandidate]:
        for upload in self._store.incomplete_uploads():
            if upload.modified < self._newer_than:
                yield GcCandidate("leftover", upload.name, "a killed writer left it", (upload,))
        for item in self._store.list(PROBES):
            if item.modified < self._newer_than:
                yield GcCandidate("leftover", item.key, "a killed probe left it", (item,))


def _cutoff(now: float, seconds: float) -> float:
    """The moment `seconds` ago; infinity for 0, so that everything is older even by a coarse clock."""
    return now - seconds if seconds else math.inf


def by_object(items: Iterable[Item]) -> dict[ObjectRef, list[Item]]:
    """The files of each object; files that belong to none are left out."""
    found: dict[ObjectRef, list[Item]] = {}
    for item in items:
        folder, _, rest = item.key.partition("/")
        object_id, slash, _ = rest.partition("/")
        if folder in FOLDERS and slash and is_id(object_id):
            found.setdefault(ObjectRef(FOLDERS[folder], object_id), []).append(item)
    return found


def marker_key(key: ObjectRef) -> str:
    """The file that is written last: readers see the object exactly while it exists."""
    if key.kind == RUN:
        return layout.record(key.id)
    return f"{immutable.prefix_of(key.kind, key.id)}/{immutable.SUMS_FILE}"


def _cached_object(entry: step_cache.Entry) -> ObjectRef | None:
    """The object that a cache entry names; None for a damaged entry, or one of an unknown step."""
    step = entry.step.removeprefix("pipeline-")
    if entry.object_id is None:
        return None
    if step == "evaluate":  # its output is a chosen step; the recipe names the run, if the user did
        run_id = str(entry.recipe.get("run_id", ""))
        return ObjectRef(RUN, run_id) if run_id else None
    return ObjectRef(CACHED_KINDS[step], entry.object_id) if step in CACHED_KINDS else None


def dependents_first(keys: Iterable[ObjectRef]) -> list[ObjectRef]:
    """Dependents before their dependencies, so that a killed gc leaves no object without what it depends on."""
    return sorted(keys, key=lambda key: (-KINDS.index(key.kind), key.id))
