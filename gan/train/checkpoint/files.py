"""Checkpoints: everything a run needs to resume as if it had never stopped.

    runs/<run_id>/checkpoints/<step>-<attempt>/state.safetensors   every variable of both networks, both optimisers and
                                                                   the EMA
    runs/<run_id>/checkpoints/<step>-<attempt>/checkpoint.json     written last, with a checksum: step, SHA-256 and size
                                                                   of the state, and more

A checkpoint exists for readers once its `checkpoint.json` does, unless a later attempt at the run resumed from an
earlier step (`gan.train.checkpoint.attempts.is_valid`). If a step has several, that of the latest attempt is read.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.data import spec
from gan.data.labels import label_shares
from gan.errors import IntegrityError, NotFoundError
from gan.store import Item, Store, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.train.checkpoint import attempts
from gan.train.run import read_run
from gan.types import Json
from gan.util import log
from gan.util.ids import file_sha256, sha256
from gan.util.scratch import disk_error, scratch_folder

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt

    Tensors = dict[str, npt.NDArray[np.generic]]

FORMAT = 1
STATE, RECORD = "state.safetensors", "checkpoint.json"
_NAME = re.compile(r"([0-9]{8,})-([0-9]+)")


@dataclass(frozen=True)
class Checkpoint:
    """One verified checkpoint: its tensors by name, and its record (see `write_local`)."""

    step: int
    tensors: Tensors
    meta: Json


@dataclass(frozen=True)
class LocalCheckpoint:
    """A checkpoint on the local disk, before its upload: the path of its state, and its record."""

    step: int
    path: Path
    record: Json


@dataclass(frozen=True)
class CheckpointFolder:
    """What an attempt wrote of a step. `complete`: with its record; `valid`: it is the one that readers see."""

    step: int
    attempt: int
    items: tuple[Item, ...]
    complete: bool
    valid: bool


class Checkpoints:
    """The checkpoints of one run.

    Args:
        store: where the run is.
        run_id: the run.
        attempt: the attempt that writes; readers ignore it.
    """

    def __init__(self, store: Store, run_id: str, attempt: int = 1) -> None:
        self._store = store
        self._run_id = run_id
        self._attempt = attempt
        self._prefix = layout.checkpoints(run_id)

    def steps(self) -> list[int]:
        """The steps that have a valid checkpoint, ascending."""
        return [folder.step for folder in self.folders() if folder.valid]

    def folders(self) -> list[CheckpointFolder]:
        """All checkpoint folders, incomplete and invalid ones included, by step and attempt.

        Raises:
            IntegrityError: the record of attempts, which decides what is valid, is damaged.
        """
        found: dict[tuple[int, int], list[Item]] = {}
        for item in self._store.list(self._prefix):
            name = _NAME.fullmatch(item.key.removeprefix(f"{self._prefix}/").rpartition("/")[0])
            if name:
                found.setdefault((int(name[1]), int(name[2])), []).append(item)
        record = attempts.read(
            self._store, self._run_id
        )  # read after the listing, so that it covers every attempt listed
        complete = {place for place, items in found.items() if any(item.key.endswith(f"/{RECORD}") for item in items)}
        valid = {step: number for step, number in sorted(complete) if attempts.is_valid(record, step, number)}
        return [
            CheckpointFolder(
                step, number, tuple(items), complete=(step, number) in complete, valid=valid.get(step) == number
            )
            for (step, number), items in sorted(found.items())
        ]

    def uri(self, step: int) -> str:
        """The URI of a step's checkpoint; see `load`."""
        return self._store.uri_of(self._folder(step))

    def save(self, step: int, tensors: Tensors, meta: Mapping[str, Any]) -> str:
        """Write a checkpoint, its record last; see `write_local` for the arguments.

        Returns:
            The SHA-256 of the state.

        Raises:
            StoreError: it could not be written; earlier checkpoints are untouched.
        """
        with scratch_folder() as folder:
            local = write_local(step, tensors, meta, folder)
            self.publish(local)
        return str(local.record["sha256"])

    def publish(self, local: LocalCheckpoint) -> None:
        """Upload a checkpoint; may be retried.

        Raises:
            StoreError: it could not be uploaded; earlier checkpoints are untouched.
        """
        folder = layout.checkpoint(self._run_id, local.step, self._attempt)
        self._store.upload(f"{folder}/{STATE}", local.path)
        write_checksummed(self._store, f"{folder}/{RECORD}", local.record)

    def load(self, step: int) -> tuple[Tensors, Json]:
        """The tensors and the record of a checkpoint.

        Raises:
            NotFoundError: there is none of this step; the message lists the others.
            IntegrityError: it is damaged.
        """
        import safetensors
        import safetensors.numpy

        folder = self._folder(step)
        meta = self._read_meta(folder, step)
        state = self._checked_state(folder, meta)
        try:
            return safetensors.numpy.load(state), meta
        except safetensors.SafetensorError as error:
            uri = self._store.uri_of(f"{folder}/{STATE}")
            raise IntegrityError(f"{uri} is damaged: it holds no tensors ({error}); {self._remedy(folder)}") from None

    def read_meta(self, step: int) -> Json:
        """The record of a checkpoint, checked against its checksum; see `load`."""
        return self._read_meta(self._folder(step), step)

    def check(self, step: int) -> None:
        """Read a checkpoint completely and verify its checksums; see `load`."""
        folder = self._folder(step)
        self._checked_state(folder, self._read_meta(folder, step))

    def latest_good(self, usable: Callable[[int, Json], bool] = lambda step, meta: True) -> Checkpoint | None:
        """The last undamaged checkpoint, with a warning for each damaged one; None if there is no checkpoint.

        Args:
            usable: from a checkpoint's step and record to whether it counts.

        Raises:
            IntegrityError: all checkpoints are damaged.
        """
        damage = []
        for step in reversed(self.steps()):
            try:
                tensors, meta = self.load(step)
            except IntegrityError as error:
                damage.append(str(error))
                log.warning(
                    f"checkpoint {step} of run {self._run_id} is damaged; trying the one before", reason=str(error)
                )
            else:
                if usable(step, meta):
                    return Checkpoint(step, tensors, meta)
        if damage:
            raise IntegrityError(
                f"every checkpoint of run {self._run_id} is damaged: {'; '.join(damage)}. Restore one from a backup, "
                f"or delete {self._store.uri_of(self._prefix)} to train from the start"
            )
        return None

    def prune(self, rule: Callable[[Collection[int], Collection[int]], Collection[int]]) -> None:
        """Delete the checkpoints that a rule does not keep, and the leftovers of killed and fenced attempts.

        Does not touch later attempts, nor what this one is still writing.

        Args:
            rule: from all steps, and those saved only because the run was stopped, to the steps to keep.
        """
        folders = [folder for folder in self.folders() if folder.attempt <= self._attempt]
        steps = [folder.step for folder in folders if folder.valid]
        kept = rule(steps, [folder.step for folder in folders if folder.valid and not self.on_schedule(folder)])
        for folder in folders:
            if not (folder.valid and folder.step in kept) and (folder.complete or folder.attempt < self._attempt):
                for item in sorted(folder.items, key=lambda item: not item.key.endswith(RECORD)):
                    self._store.delete(item.key)

    def on_schedule(self, folder: CheckpointFolder) -> bool:
        """Whether the config asked for a checkpoint at that step; if not, it was saved because the run was stopped."""
        key = layout.checkpoint(self._run_id, folder.step, folder.attempt)
        try:
            return bool(self._read_meta(key, folder.step).get("on_schedule", True))
        except (IntegrityError, NotFoundError):
            return True  # reading it will report the damage; or training has just deleted it

    def _folder(self, step: int) -> str:
        for folder in self.folders():
            if folder.step == step and folder.valid:
                return layout.checkpoint(self._run_id, step, folder.attempt)
        known = ", ".join(map(str, self.steps())) or "none yet"
        raise NotFoundError(f"run {self._run_id} has no checkpoint of step {step}; it has: {known}")

    def _read_meta(self, folder: str, step: int) -> Json:
        key = f"{folder}/{RECORD}"
        meta = read_checksummed(self._store, key, keys=("format", "step", "sha256"), remedy=self._remedy(folder))
        if meta["format"] != FORMAT:
            raise IntegrityError(
                f"checkpoint {step} of run {self._run_id} has format {meta['format']}, this version reads {FORMAT}; "
                "use the version that it was written with, or train under another --run-id"
            )
        if meta["step"] != step:
            uri = self._store.uri_of(key)
            raise IntegrityError(f"{uri} is damaged (it is the record of step {meta['step']}); {self._remedy(folder)}")
        return meta

    def _checked_state(self, folder: str, meta: Json) -> bytes:
        uri, expected = self._store.uri_of(f"{folder}/{STATE}"), meta["sha256"]
        try:
            data = self._store.read(f"{folder}/{STATE}")
        except NotFoundError:
            raise IntegrityError(f"{uri} is missing; expected SHA-256 {expected}; {self._remedy(folder)}") from None
        found = sha256(data)
        if found != expected:
            raise IntegrityError(
                f"{uri} is damaged: it has SHA-256 {found}; expected {expected}; {self._remedy(folder)}"
            )
        return data

    def _remedy(self, folder: str) -> str:
        return f"restore it from a copy, or delete {self._store.uri_of(folder)} to do without it"


def write_local(step: int, tensors: Tensors, meta: Mapping[str, Any], folder: Path) -> LocalCheckpoint:
    """Write a checkpoint to the local disk; equal tensors give equal bytes.

    Args:
        step: the last step done.
        tensors: every variable by its stable name.
        meta: what else a resume needs (JSON types): data position, seed, config hash.
        folder: where to write; the caller deletes it.

    Raises:
        StoreError: the disk is full.
    """
    import safetensors
    import safetensors.numpy

    path = folder / f"{step:08d}.safetensors"
    try:
        safetensors.numpy.save_file(tensors, path)
    except safetensors.SafetensorError as error:
        raise disk_error(OSError(errno.EIO, str(error), str(path))) from None
    record = {**meta, "format": FORMAT, "step": step, "sha256": file_sha256(path), "size": path.stat().st_size}
    return LocalCheckpoint(step, path, record)


def load_ema(store: Store, run_id: str, step: int, generator: keras.Model) -> str:
    """Load the EMA weights of a checkpoint, which are scored and exported, into a newly built generator.

    Its BatchNorm statistics are not loaded but estimated for these weights; see `gan.train.batch_norm`.

    Args:
        store: where the run is.
        run_id: the run.
        step: the checkpoint.
        generator: built from the run's config; all its variables are set.

    Returns:
        The SHA-256 of the checkpoint's state.

    Raises:
        NotFoundError: there is no such checkpoint, or the dataset of a conditional generator is gone.
        IntegrityError: it is damaged, or the generator has other shapes.
    """
    from gan.train.batch_norm import estimate_statistics

    tensors, meta = Checkpoints(store, run_id).load(step)
    assign(named("ema", generator.variables), tensors, where=f"checkpoint {step} of run {run_id}")
    conditional = len(generator.inputs) > 1
    estimate_statistics(generator, _label_shares(store, run_id) if conditional else None)
    return str(meta["sha256"])


def _label_shares(store: Store, run_id: str) -> list[float]:
    """The relative frequency of each class in the training images of a run."""
    dataset = spec.load(store, read_run(store, run_id).dataset_id)
    return [float(share) for share in label_shares(store, dataset)]


def named(group: str, variables: list[Any]) -> dict[str, Any]:
    """Keras variables by names that are the same in every process: `generator/0007`.

    Keras numbers layers by what the process built before, so its own names are not stable. The order of `variables` is
    that of construction.
    """
    return {f"{group}/{index:04d}": variable for index, variable in enumerate(variables)}


def assign(variables: Mapping[str, Any], tensors: Tensors, *, where: str) -> None:
    """Set each named variable to the tensor of its name.

    Raises:
        IntegrityError: a tensor is absent, or has another shape or type; then nothing is assigned.
    """
    for name, variable in variables.items():
        found = tensors.get(name)
        wanted = (tuple(variable.shape), str(variable.dtype))
        if found is None or (found.shape, found.dtype.name) != wanted:
            there = "nothing" if found is None else f"{found.dtype.name} {list(found.shape)}"
            raise IntegrityError(
                f"{where} does not fit the networks of this config: {name} should be {wanted[1]} {list(wanted[0])}; "
                f"found {there}"
            )
    for name, variable in variables.items():
        variable.assign(tensors[name])
