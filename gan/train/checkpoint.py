"""Checkpoints: everything a run needs to go on as if it had never stopped.

    runs/<run_id>/checkpoints/<step>/state.safetensors   every variable of both networks, both optimisers and the EMA
    runs/<run_id>/checkpoints/<step>/checkpoint.json     written last: step, SHA-256 and size of the state, and more

A checkpoint exists for readers exactly when its `checkpoint.json` does. That file carries a seal of its own, so that
a flipped bit in the data position is found as surely as one in a weight.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan.console import warn
from gan.errors import IntegrityError, NotFoundError
from gan.ids import canonical, sha256
from gan.store import Store, runs
from gan.types import Json

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt

    Tensors = dict[str, npt.NDArray[np.generic]]

FORMAT = 1
STATE, RECORD = "state.safetensors", "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint, checked: its tensors by name, and its record (see `Checkpoints.save`)."""

    step: int
    tensors: Tensors
    meta: Json


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._prefix = runs.checkpoints(run_id)

    def steps(self) -> list[int]:
        """The steps that have a whole checkpoint, ascending."""
        return sorted(step for step, names in self._folders().items() if RECORD in names)

    def uri(self, step: int) -> str:
        """Where the checkpoint of a step lies."""
        return self._store.uri_of(self._key(step))

    def save(self, step: int, tensors: Tensors, meta: Mapping[str, Any]) -> str:
        """Write a checkpoint, read the state back, and seal it only if every byte arrived.

        Args:
            step: the last step that was done.
            tensors: every variable by its stable name.
            meta: what else a resume needs (JSON types): data position, seed, config hash.

        Returns:
            The SHA-256 of the state.

        Raises:
            StoreError: it could not be written; earlier checkpoints are untouched.
            IntegrityError: what was read back is not what was written.
        """
        import safetensors.numpy

        data = safetensors.numpy.save(tensors)
        record = {**meta, "format": FORMAT, "step": step, "sha256": sha256(data), "size": len(data)}
        record["seal"] = _seal(record)
        self._store.delete(self._key(step, RECORD))
        self._store.write(self._key(step, STATE), data)
        del data
        self._checked_state(step, record["sha256"])
        self._store.write(self._key(step, RECORD), json.dumps(record, indent=2, sort_keys=True).encode())
        self.read_meta(step)
        return str(record["sha256"])

    def load(self, step: int) -> tuple[Tensors, Json]:
        """The tensors and the record of a checkpoint.

        Raises:
            NotFoundError: there is none of this step; the message lists those that there are.
            IntegrityError: it is damaged.
        """
        import safetensors.numpy

        meta = self.read_meta(step)
        return safetensors.numpy.load(self._checked_state(step, meta["sha256"])), meta

    def read_meta(self, step: int) -> Json:
        """The record of a checkpoint, checked against its own seal; see `load`."""
        try:
            meta = json.loads(self._store.read(self._key(step, RECORD)))
            sound = meta["seal"] == _seal(meta) and meta["step"] == step
        except NotFoundError:
            known = ", ".join(map(str, self.steps())) or "none yet"
            raise NotFoundError(f"run {self._run_id} has no checkpoint of step {step}; it has: {known}") from None
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise IntegrityError(f"{self._store.uri_of(self._key(step, RECORD))} is damaged: it does not fit its seal")
        if meta["format"] != FORMAT:
            raise IntegrityError(
                f"checkpoint {step} of run {self._run_id} has format {meta['format']}, this version reads {FORMAT}; "
                "use the version that it was written with, or train under another --run-id"
            )
        return dict(meta)

    def check(self, step: int) -> None:
        """Read every byte of a checkpoint and hold it against its checksums; see `load`."""
        self._checked_state(step, self.read_meta(step)["sha256"])

    def latest_good(self) -> Checkpoint | None:
        """The last checkpoint that is whole, with a warning for each damaged one passed over; None where there is none.

        Raises:
            IntegrityError: there are checkpoints, and all of them are damaged.
        """
        damages = []
        for step in reversed(self.steps()):
            try:
                tensors, meta = self.load(step)
            except IntegrityError as error:
                damages.append(str(error))
                warn(f"checkpoint {step} of run {self._run_id} is damaged; trying the one before", reason=str(error))
            else:
                return Checkpoint(step, tensors, meta)
        if damages:
            raise IntegrityError(
                f"every checkpoint of run {self._run_id} is damaged: {'; '.join(damages)}. Restore one from a backup, "
                f"or delete {self._store.uri_of(self._prefix)} to train from the start"
            )
        return None

    def prune(self, keep: int) -> None:
        """Delete all but the last `keep` checkpoints, and what killed attempts left. Call it after a `save`.

        A checkpoint that was written only because the run was stopped goes as soon as a later one is there, so that a
        run that was stopped keeps the same ones as a run that never was.
        """
        steps = self.steps()
        kept = [step for step in steps if step == steps[-1] or self._on_schedule(step)][-keep:]
        for step in self._folders():
            if step not in kept:
                self._delete(step)

    def _on_schedule(self, step: int) -> bool:
        try:
            return bool(self.read_meta(step).get("on_schedule", True))
        except IntegrityError:
            return True  # whoever wants to read it will be told

    def discard_after(self, step: int) -> None:
        """Delete what lies beyond `step`: damaged checkpoints and half-written ones."""
        for each in self._folders():
            if each > step:
                self._delete(each)

    def _folders(self) -> dict[int, set[str]]:
        """The file names in each step's folder."""
        found: dict[int, set[str]] = {}
        for item in self._store.list(self._prefix):
            step, _, name = item.key.removeprefix(f"{self._prefix}/").partition("/")
            if step.isdecimal():
                found.setdefault(int(step), set()).add(name)
        return found

    def _delete(self, step: int) -> None:
        self._store.delete(self._key(step, RECORD))
        self._store.delete(self._key(step, STATE))

    def _checked_state(self, step: int, expected: str) -> bytes:
        uri = self._store.uri_of(self._key(step, STATE))
        try:
            data = self._store.read(self._key(step, STATE))
        except NotFoundError:
            raise IntegrityError(f"{uri} is missing; expected SHA-256 {expected}") from None
        found = sha256(data)
        if found != expected:
            raise IntegrityError(f"{uri} is damaged: it has SHA-256 {found}; expected {expected}")
        return data

    def _key(self, step: int, name: str = "") -> str:
        return f"{runs.checkpoint(self._run_id, step)}/{name}".rstrip("/")


def load_ema(store: Store, run_id: str, step: int, generator: keras.Model) -> str:
    """Put the EMA weights of a checkpoint into a freshly built generator.

    Args:
        store: where the run is.
        run_id: the run.
        step: the checkpoint.
        generator: a generator of the run's config; all its variables are set, BatchNorm statistics included.

    Returns:
        The SHA-256 of the checkpoint's state.

    Raises:
        NotFoundError: there is no such checkpoint.
        IntegrityError: it is damaged, or of a generator of another shape.
    """
    tensors, meta = Checkpoints(store, run_id).load(step)
    assign(named("ema", generator.variables), tensors, where=f"checkpoint {step} of run {run_id}")
    return str(meta["sha256"])


def named(group: str, variables: list[Any]) -> dict[str, Any]:
    """Keras variables by names that are the same in every process: `generator/0007`.

    Keras numbers its layers by what the process built before, so its own names are of no use here; the order of
    `variables` is that of construction.
    """
    return {f"{group}/{index:04d}": variable for index, variable in enumerate(variables)}


def assign(variables: Mapping[str, Any], tensors: Tensors, *, where: str) -> None:
    """Set each named variable to the tensor of its name.

    Raises:
        IntegrityError: a tensor is absent, or has another shape or type. Nothing is assigned then.
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


def _seal(record: Mapping[str, Any]) -> str:
    return sha256(canonical({name: value for name, value in record.items() if name != "seal"}))
