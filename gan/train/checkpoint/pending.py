"""What a run publishes at a checkpoint: metrics, TensorBoard events, sample sheets, and the state itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan.train.checkpoint.files import LocalCheckpoint, write_local

if TYPE_CHECKING:
    from gan.train.checkpoint.files import Tensors


class PendingCheckpoint:
    """Files with the keys they get in the store, and a state that is published after them.

    Args:
        step: the last step done.
        files: on the local disk; each is deleted once it is published.
        tensors: the state; None for files alone.
        meta: of the checkpoint; see `gan.train.checkpoint.files.write_local`.
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
        self._local: LocalCheckpoint | None = None
        self._spooling = threading.Lock()

    @property
    def has_checkpoint(self) -> bool:
        """Whether it holds a state that is not published yet."""
        return self._tensors is not None or self._local is not None

    def spool(self, folder: Path) -> LocalCheckpoint | None:
        """Move the state from memory to the local disk, once; returns it, or None if there is none (any more).

        Raises:
            StoreError: the local disk is full.
        """
        with self._spooling:
            if self._tensors is not None:
                self._local = write_local(self.step, self._tensors, self._meta, folder)
                self._tensors = None
            return self._local

    def drop_checkpoint(self) -> None:
        """Drop the state, and its file on the local disk."""
        with self._spooling:
            if self._local is not None:
                self._local.path.unlink(missing_ok=True)
            self._tensors = self._local = None
