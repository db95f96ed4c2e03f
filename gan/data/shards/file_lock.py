"""Locks between processes: files that the system unlocks when whoever holds them ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def open_locked(path: Path, *, shared: bool = False, wait: bool = True) -> IO[bytes]:
    """An open file, locked until it is closed. Who holds a lock alone may remove its file.

    Args:
        path: the file; it and its folder are made where they are missing.
        shared: hold it beside others that share it, instead of alone.
        wait: wait for others to let go, instead of giving up at once.

    Raises:
        BlockingIOError: somebody else holds it, and `wait` is False.
        OSError: it can't be made.
    """
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("ab")
        except FileNotFoundError:
            continue  # the folder was removed since
        try:
            fcntl.flock(file, kind)
            if _is_still_at(path, file):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_still_at(path: Path, file: IO[bytes]) -> bool:
    """Whether `path` leads to this very file, and not to nothing or a newer one."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
