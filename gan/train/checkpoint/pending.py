"""What a run publishes at a checkpoint: figures, events, sample sheets, and the state itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.train.checkpoint.files import Written, written

if TYPE_CHECKING:
    from gan.train.checkpoint.files import Tensors


class PendingCheckpoint:
    """Files by the keys they get in the store, and a checkpoint that is sealed after them.

    Args:
        step: the last step that was done.
        files: on the local disk; each is deleted when it is published.
        tensors: the state of the step; None for a parcel of files alone.
        meta: of the checkpoint; see `gan.train.checkpoint.files.written`.
    """

    def __init__(
        self,
        step: int,
        files: Mapping[str, Path],
        tensors: Tensors | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self.step = step
        self.files = dict(files)
        self.urgent = False
        self._tensors = tensors
        self._meta = meta or {}
        self._made: Written | None = None
        self._spooling = threading.Lock()

    @property
    def has_checkpoint(self) -> bool:
        """Whether a checkpoint is in it that is not published yet."""
        return self._tensors is not None or self._made is not None

    def spool(self, folder: Path) -> Written | None:
        """Move the state from memory to the local disk, once; returns it, or None where there is none (any more).

        Raises:
            StoreError: the local disk is full.
        """
        with self._spooling:
            if self._tensors is not None:
                self._made = written(self.step, self._tensors, self._meta, folder)
                self._tensors = None
            return self._made

    def drop_checkpoint(self) -> None:
        """Have none in it any more."""
        with self._spooling:
            if self._made is not None:
                self._made.path.unlink(missing_ok=True)
            self._tensors = self._made = None
