"""Temporary files, and what a full or forbidden disk says."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan.errors import StoreError

DISK_FULL = ("No space left on device", "Disk quota exceeded")
LOCK_FILE = ".gan-scratch"  # locked as long as its process lives
ABANDONED_AFTER_SECONDS = 60.0  # a mark so old is locked, or its process is gone


class Scratch:
    """A folder below TMPDIR, to be removed. Where its process is killed before, the next one to make one removes it.

    Raises:
        OSError: it can't be made.
    """

    def __init__(self) -> None:
        _remove_abandoned()
        self._top = Path(tempfile.mkdtemp(prefix="gan-"))
        try:
            self._mark = (self._top / LOCK_FILE).open("wb")
            fcntl.flock(self._mark, fcntl.LOCK_EX)
            self.folder = self._top / "files"
            self.folder.mkdir()
        except BaseException:
            shutil.rmtree(self._top, ignore_errors=True)
            raise

    def remove(self) -> None:
        """Delete the folder with all that is in it, as far as that can be done."""
        shutil.rmtree(self._top, ignore_errors=True)
        self._mark.close()


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed."""
    for mark in Path(tempfile.gettempdir()).glob(f"gan-*/{LOCK_FILE}"):
        with contextlib.suppress(OSError):  # somebody else's, or in use, or gone
            if time.time() - mark.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                with mark.open("ab") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(mark.parent)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, below TMPDIR.

    Raises:
        StoreError: the disk is full, or no folder can be written to; what the body raises as OSError, or TensorFlow as
            an error about this folder, becomes this.
    """
    where = tempfile.tempdir or "the folder for temporary files"
    try:
        scratch = Scratch()
        where = str(scratch.folder)
        try:
            yield scratch.folder
        finally:
            scratch.remove()
    except ConnectionError:
        raise  # a pipe or a server, not a disk
    except OSError as error:
        raise disk_error(error) from None
    except Exception as error:
        if not _is_tensorflow_error(error) or not any(word in str(error) for word in (where, *DISK_FULL)):
            raise
        raise _disk_error(where, " ".join(str(error).split()), full=_is_disk_full(error)) from None


def disk_error(error: OSError) -> StoreError:
    """The error of ours for one that the operating system raised on a temporary file."""
    where = error.filename or tempfile.tempdir or "the folder for temporary files"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or _is_disk_full(error)
    return _disk_error(str(where), str(error.strerror or error), full=full)


def _disk_error(where: str, reason: str, *, full: bool) -> StoreError:
    remedy = "set TMPDIR to a folder with more space"
    if full:
        return StoreError(f"the disk of {where} is full; free some space, or {remedy}, and run the same command again")
    return StoreError(f"can't write temporary files to {where}: {reason}; {remedy} that is writable")


def _is_disk_full(error: Exception) -> bool:
    """HDF5 and TensorFlow tell of a full disk in words alone."""
    return any(words in str(error) for words in DISK_FULL)


def _is_tensorflow_error(error: Exception) -> bool:
    """Whether it is one of TensorFlow's errors, which can only be where TensorFlow was imported."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)
