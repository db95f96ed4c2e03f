"""Lets the files of the cluster's tests go side by side (`pytest -n 3`): what takes a service away waits its turn."""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK = Path(tempfile.gettempdir()) / "gan-cluster-tests.lock"


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A time in which nobody who asks for `alone` begins."""
    with _held(fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """A time in which nobody is `undisturbed`; never within such a time of one's own."""
    with _held(fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def _held(kind: int) -> Iterator[None]:
    with LOCK.open("a") as file:
        fcntl.flock(file, kind)
        yield
