"""Locks between processes: the system releases them when the holder ends, even if it is killed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def open_locked(path: Path, *, shared: bool = False, wait: bool = True) -> IO[bytes]:
    """An open file, locked until it is closed. The holder of an exclusive lock may remove the file.

    Args:
        path: the file; it and its folder are created if they are missing.
        shared: take a shared instead of an exclusive lock.
        wait: wait for the lock instead of failing at once.

    Raises:
        BlockingIOError: another process holds the lock, and `wait` is False.
        OSError: the file can't be created.
    """
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("ab")
        except FileNotFoundError:
            continue  # the folder was removed meanwhile
        try:
            fcntl.flock(file, kind)
            if _is_still_at(path, file):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_still_at(path: Path, file: IO[bytes]) -> bool:
    """Whether `path` still names this file, which may have been removed or replaced."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
