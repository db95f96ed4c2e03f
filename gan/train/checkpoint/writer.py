"""Puts what a run makes into the store, as long as no newer attempt at the run took over."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gan.config.schema import Train
from gan.store import Store
from gan.train.checkpoint.attempts import Lease
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.checkpoint.retention import ReferencedSteps, retained
from gan.util.log import say


class CheckpointWriter:
    """Puts the parcels of one attempt into the store; see `__call__`."""

    def __init__(self, store: Store, run_id: str, lease: Lease, settings: Train, *, done: int) -> None:
        self._store = store
        self._lease = lease
        self._settings = settings
        self._checkpoints = Checkpoints(store, run_id, lease.number)
        self._needed = ReferencedSteps(store, run_id)
        self.saved = done

    def __call__(self, parcel: PendingCheckpoint, folder: Path) -> None:
        """Publish what of a parcel is not published yet, its checkpoint last, or first where it is urgent.

        May be called again after an error, and then goes on. `saved` is the last step that has a checkpoint.

        Args:
            parcel: what to publish.
            folder: where to write its state on the way.

        Raises:
            FencedError: a newer attempt took over.
            UnavailableError: the storage does not answer; try again.
            StoreError: the storage, or the local disk, fails for good.
        """
        self._lease.check()
        prunes = parcel.has_checkpoint
        if parcel.urgent:
            self._publish_checkpoint(parcel, folder)
        for key, path in list(parcel.files.items()):
            self._store.upload(key, path)
            del parcel.files[key]
            path.unlink()
        self._publish_checkpoint(parcel, folder)
        if prunes:
            self._lease.check()
            self._checkpoints.prune(self._rule)

    def _publish_checkpoint(self, parcel: PendingCheckpoint, folder: Path) -> None:
        made = parcel.spool(folder)
        if made is not None:
            self._checkpoints.publish(made)
            self.saved = max(self.saved, parcel.step)
            say("checkpoint saved", step=parcel.step)
            parcel.drop_checkpoint()

    def _rule(self, steps: Collection[int], unscheduled: Collection[int]) -> frozenset[int]:
        return retained(
            steps,
            last=self._settings.keep_checkpoints,
            every_steps=self._settings.keep_every_steps,
            needed=self._needed.steps(),
            unscheduled=unscheduled,
        )
