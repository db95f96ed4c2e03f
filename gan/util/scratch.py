"""Temporary folders, and the errors of full or read-only disks."""

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
LOCK_FILE = ".gan-scratch"  # locked while its process lives
ABANDONED_AFTER_SECONDS = 60.0  # a lock file this old is locked, unless its process died


class Scratch:
    """A temporary folder below TMPDIR. If its process is killed, the next process to make one removes it.

    Raises:
        OSError: it can't be created.
    """

    def __init__(self) -> None:
        _remove_abandoned()
        self._top = Path(tempfile.mkdtemp(prefix="gan-"))
        try:
            self._lock = (self._top / LOCK_FILE).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.folder = self._top / "files"
            self.folder.mkdir()
        except BaseException:
            shutil.rmtree(self._top, ignore_errors=True)
            raise

    def remove(self) -> None:
        """Delete the folder and its files, ignoring errors."""
        shutil.rmtree(self._top, ignore_errors=True)
        self._lock.close()


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed."""
    for lock in Path(tempfile.gettempdir()).glob(f"gan-*/{LOCK_FILE}"):
        with contextlib.suppress(OSError):  # somebody else's, or in use, or gone
            if time.time() - lock.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                with lock.open("ab") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(lock.parent)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder below TMPDIR that is removed at the end.

    Raises:
        StoreError: the disk is full or not writable. An OSError of the body, or an error of TensorFlow about this
            folder, becomes this.
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
        raise  # from a pipe or a server, not a disk
    except OSError as error:
        raise disk_error(error) from None
    except Exception as error:
        if not _is_tensorflow_error(error) or not any(word in str(error) for word in (where, *DISK_FULL)):
            raise
        raise _disk_error(where, " ".join(str(error).split()), full=_is_disk_full(error)) from None


def disk_error(error: OSError) -> StoreError:
    """The StoreError for an error of the operating system on a temporary file."""
    where = error.filename or tempfile.tempdir or "the folder for temporary files"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or _is_disk_full(error)
    return _disk_error(str(where), str(error.strerror or error), full=full)


def _disk_error(where: str, reason: str, *, full: bool) -> StoreError:
    remedy = "set TMPDIR to a folder with more space"
    if full:
        return StoreError(f"the disk of {where} is full; free some space, or {remedy}, and run the same command again")
    return StoreError(f"can't write temporary files to {where}: {reason}; {remedy} that is writable")


def _is_disk_full(error: Exception) -> bool:
    """HDF5 and TensorFlow report a full disk only in the message."""
    return any(words in str(error) for words in DISK_FULL)


def _is_tensorflow_error(error: Exception) -> bool:
    """Whether it is one of TensorFlow's errors; TensorFlow is not imported for this."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)
