"""Writes the checkpoints of one attempt to the store, as long as no newer attempt took over."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gan.config.schema import Train
from gan.store import Store
from gan.train.checkpoint.attempts import Lease
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.checkpoint.retention import ReferencedSteps, retained
from gan.util import log


class CheckpointWriter:
    """Writes pending checkpoints; `saved` is the last step that has a checkpoint."""

    def __init__(self, store: Store, run_id: str, lease: Lease, settings: Train, *, done: int) -> None:
        self._store = store
        self._lease = lease
        self._settings = settings
        self._checkpoints = Checkpoints(store, run_id, lease.number)
        self._referenced = ReferencedSteps(store, run_id)
        self.saved = done

    def publish(self, pending: PendingCheckpoint, folder: Path) -> None:
        """Publish the files and then the state, or the state first if it is urgent, and prune old checkpoints.

        After an error it may be called again, and continues where it stopped.

        Args:
            pending: what to publish.
            folder: where to write the state before the upload.

        Raises:
            FencedError: a newer attempt took over.
            UnavailableError: the storage does not answer; try again.
            StoreError: the storage, or the local disk, fails for good.
        """
        self._lease.check()
        prunes = pending.has_checkpoint
        if pending.urgent:
            self._publish_state(pending, folder)
        for key, path in list(pending.files.items()):
            self._store.upload(key, path)
            del pending.files[key]
            path.unlink()
        self._publish_state(pending, folder)
        if prunes:
            self._lease.check()
            self._checkpoints.prune(self._retained)

    def _publish_state(self, pending: PendingCheckpoint, folder: Path) -> None:
        local = pending.spool(folder)
        if local is not None:
            self._checkpoints.publish(local)
            self.saved = max(self.saved, pending.step)
            log.info("checkpoint saved", step=pending.step)
            pending.drop_checkpoint()

    def _retained(self, steps: Collection[int], unscheduled: Collection[int]) -> frozenset[int]:
        return retained(
            steps,
            last=self._settings.keep_checkpoints,
            every_steps=self._settings.keep_every_steps,
            referenced=self._referenced.steps(),
            unscheduled=unscheduled,
        )
