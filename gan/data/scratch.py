"""Temporary files, and what a full or forbidden disk says."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan.errors import StoreError


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, below TMPDIR.

    Raises:
        StoreError: the disk is full, or no folder can be written to; what the body raises as OSError becomes this.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="gan-") as name:
            yield Path(name)
    except OSError as error:
        raise disk_error(error) from None


def disk_error(error: OSError) -> StoreError:
    """The error of ours for one that the operating system raised on a temporary file."""
    where = error.filename or tempfile.tempdir or "the folder for temporary files"
    remedy = "set TMPDIR to a folder with more space"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk of {where} is full; free some space, or {remedy}, and run the same command again")
    return StoreError(f"can't write temporary files to {where}: {error.strerror or error}; {remedy} that is writable")
