"""What there is in a store, and what of it may go by the rules of `gan gc`: reads, and deletes nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gan import lineage
from gan.admin.gc_reachability import StoreObject, unreachable
from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.export.files import METADATA
from gan.lineage import DATASET, GENERATOR, KINDS, NAME, REFERENCE, RUN, ObjectRef
from gan.store import IncompleteUpload, Item, Store, alias, immutable, layout, step_cache
from gan.store.interface import PROBES
from gan.store.records.audit_logs import LEDGERS
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.retention import best_steps, retained
from gan.train.run import read_run
from gan.types import Json
from gan.util.ids import is_id

HOUR = 3600.0
ASIDE = ".deleted"
FOLDERS = {**{folder: kind for kind, folder in immutable.KINDS.items()}, "runs": RUN}
NOTED = {"preprocess": DATASET, "reference": REFERENCE, "export": GENERATOR, "train": RUN}
"""What the notes of each step are about; those of the pipeline's steps have "pipeline-" before it."""


@dataclass(frozen=True)
class Rules:
    """What stays, and for how long.

    Attributes:
        grace_seconds: nothing that was written so lately goes; 0 where nobody else uses the store.
        runs_older_than_seconds: runs that did nothing for so long go with their generators, unless one of these was
            ever promoted, and so do the ledgers of executions and sweeps; None: all stay.
        keep_last: so many checkpoints of each run stay; None: as each run's config says.
        keep_every_steps: its multiples stay too; None: as each run's config says.
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
    """Something that may go: what it is, and why, for people."""

    kind: str
    id: str
    why: str
    parts: tuple[Item | IncompleteUpload, ...]

    def to_json(self) -> Json:
        """Plain JSON types."""
        size = sum(part.size for part in self.parts)
        return {"kind": self.kind, "id": self.id, "why": self.why, "bytes": size, "objects": len(self.parts)}


class GcScan:
    """What there is in a store, and what of it nothing needs, as seen at one moment.

    `aside` are things whose seals gc itself put aside: they count as what they were.
    """

    def __init__(
        self, store: Store, rules: Rules, now: float, aside: Mapping[ObjectRef, StoreObject] | None = None
    ) -> None:
        self._store, self._rules = store, rules
        self._young = _before(now, rules.grace_seconds)
        self._idle = None if rules.runs_older_than_seconds is None else _before(now, rules.runs_older_than_seconds)
        self._aside = aside or {}
        self.unreadable: list[str] = []
        self.parts = by_object(store.list())
        self.notes = list(step_cache.entries(store))  # what refers is read after what may be referred to was listed
        self.things = {key: self._thing(key) for key in self.parts}
        self.things |= {key: self._thing(key) for key in (ObjectRef(NAME, name) for name in alias.names(store))}
        noted = {key for note in self.notes if note.item.modified >= self._young and (key := _about(note))}
        damaged = [note for note in self.notes if note.made is None and note.item.modified >= self._young]
        self.unreadable += [f"{store.uri_of(note.item.key)} is damaged" for note in damaged]
        hiding = [StoreObject(ObjectRef(NAME, ""), math.inf, needs=None)] if damaged else []
        self.unneeded = unreachable([*self.things.values(), *hiding], noted=noted, young=self._young, idle=self._idle)

    def _thing(self, key: ObjectRef) -> StoreObject:
        parts = self.parts.get(key, [])
        modified = max((part.modified for part in parts if not part.key.endswith(ASIDE)), default=math.inf)
        if key in self._aside:
            return StoreObject(key, modified, needs=self._aside[key].needs)
        if key.kind != NAME and seal_of(key) not in {part.key for part in parts}:
            return StoreObject(key, modified, whole=False)
        try:
            return StoreObject(key, modified, needs=lineage.needs(self._store, key))
        except (IntegrityError, NotFoundError) as error:
            self.unreadable.append(str(error))
            return StoreObject(key, modified, needs=None)

    def loose(self) -> list[GcCandidate]:
        """What nothing refers to by its nature: checkpoints beyond the rule, old ledgers, what killed ones left."""
        return [*self._checkpoints(), *self._ledgers(), *self._left()]

    def objects(self) -> Iterator[GcCandidate]:
        """The objects that may go, what is made from others first."""
        for key in dependents_first(self.unneeded):
            thing, parts = self.things[key], tuple(self.parts[key])
            if not thing.whole:
                yield GcCandidate(f"unfinished {key.kind}", key.id, "it was never finished", parts)
            elif key.kind in (RUN, GENERATOR):
                yield GcCandidate(key.kind, key.id, "its run did nothing for long, and was never promoted", parts)
            else:
                yield GcCandidate(key.kind, key.id, "nothing refers to it", parts)

    def _checkpoints(self) -> Iterator[GcCandidate]:
        exported = self._exported()
        for key, thing in self.things.items():
            if key.kind == RUN and thing.whole and thing.needs is not None and key not in self.unneeded:
                try:
                    yield from self._of_run(key.id, exported)
                except IntegrityError as error:
                    self.unreadable.append(str(error))

    def _of_run(self, run_id: str, exported: Mapping[str, set[int]] | None) -> Iterator[GcCandidate]:
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
            if all(item.modified < self._young for item in folder.items):
                why = f"beyond the last {last}, not the best, not exported" if folder.valid else "of a dead attempt"
                name = f"{run_id}@{folder.step}" + ("" if folder.valid else f"-{folder.attempt}")
                yield GcCandidate("checkpoint", name, why if folder.complete else "it was never finished", folder.items)

    def _exported(self) -> dict[str, set[int]] | None:
        """The steps of each run that generators were exported from; None where one of these can't be read."""
        steps: dict[str, set[int]] = {}
        for key, thing in self.things.items():
            if key.kind == GENERATOR and thing.whole and key not in self.unneeded:
                if thing.needs is None:
                    return None
                facts = immutable.read_json(self._store, GENERATOR, key.id, METADATA)
                steps.setdefault(facts["run_id"], set()).add(facts["step"])
        return steps

    def _ledgers(self) -> Iterator[GcCandidate]:
        """The records of pipeline runs and sweeps to which nothing was added for as long as runs may rest."""
        if self._idle is None:
            return
        for ledger in LEDGERS.values():
            for name, items in ledger.records(self._store).items():
                if all(item.modified < min(self._idle, self._young) for item in items):
                    yield GcCandidate(ledger.kind, name, "nothing was added to it for long", tuple(items))

    def notes_of_nothing(self) -> list[GcCandidate]:
        """The notes that are damaged, or about objects that are gone, or go."""
        found = []
        for note in self.notes:
            about = _about(note)
            gone = about is not None and (about not in self.things or about in self.unneeded)
            if note.item.modified < self._young and (gone or note.made is None):
                why = "what it is about is gone" if gone else "it is damaged"
                found.append(
                    GcCandidate("recipe", note.item.key.removeprefix(f"{step_cache.FOLDER}/"), why, (note.item,))
                )
        return found

    def _left(self) -> Iterator[GcCandidate]:
        for leftover in self._store.leftovers():
            if leftover.modified < self._young:
                yield GcCandidate("leftover", leftover.name, "a killed writer left it", (leftover,))
        for item in self._store.list(PROBES):
            if item.modified < self._young:
                yield GcCandidate("leftover", item.key, "a killed probe left it", (item,))


def _before(now: float, seconds: float) -> float:
    """The moment so long ago; for no time at all, one that all was before, however coarse the storage's clock is."""
    return now - seconds if seconds else math.inf


def by_object(items: Iterable[Item]) -> dict[ObjectRef, list[Item]]:
    """Everything below the folders of objects, by the object; what lies there that is of no object is left out."""
    found: dict[ObjectRef, list[Item]] = {}
    for item in items:
        folder, _, rest = item.key.partition("/")
        object_id, mark, _ = rest.partition("/")
        if folder in FOLDERS and mark and is_id(object_id):
            found.setdefault(ObjectRef(FOLDERS[folder], object_id), []).append(item)
    return found


def seal_of(key: ObjectRef) -> str:
    """What an object is there for readers with."""
    return layout.record(key.id) if key.kind == RUN else f"{immutable.prefix_of(key.kind, key.id)}/{immutable.SEAL}"


def _about(note: step_cache.Entry) -> ObjectRef | None:
    """The object that a note is about; None for one that is damaged, or of a step that is not known here."""
    step = note.step.removeprefix("pipeline-")
    if note.made is None:
        return None
    if step == "evaluate":  # it made a choice of a step; of which run stands in its recipe, if a user named it
        run_id = str(note.recipe.get("run_id", ""))
        return ObjectRef(RUN, run_id) if run_id else None
    return ObjectRef(NOTED[step], note.made) if step in NOTED else None


def dependents_first(keys: Iterable[ObjectRef]) -> list[ObjectRef]:
    """What is made from others before these, so that a killed gc leaves nothing that lacks what it was made from."""
    return sorted(keys, key=lambda key: (-KINDS.index(key.kind), key.id))
