"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gan.data.shards.file_lock import open_locked

HOLDER = """
import sys
from pathlib import Path
from gan.data.shards.file_lock import open_locked
with open_locked(Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path, how: str) -> subprocess.Popen[str]:
    """A process that holds a lock until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(path), how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def is_free(path: Path, *, shared: bool = False) -> bool:
    try:
        open_locked(path, shared=shared, wait=False).close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("how", ["shared", "alone"])
def test_another_process_keeps_it_until_it_is_killed(how: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with holder(path, how) as process:
        assert not is_free(path)
        assert is_free(path, shared=True) == (how == "shared")
        process.kill()
        process.wait()
    assert is_free(path)


def test_a_lock_whose_file_was_removed_is_no_lock(tmp_path: Path) -> None:
    """A process that waited for a removed file locks the new one, or two would hold the lock."""
    path = tmp_path / "lock"
    first = open_locked(path)
    got = []
    waiter = threading.Thread(target=lambda: got.append(open_locked(path)))
    waiter.start()
    path.unlink()
    second = open_locked(path)
    first.close()
    waiter.join(0.2)
    assert not got
    second.close()
    waiter.join()
    assert not is_free(path)
    got[0].close()
    assert is_free(path)
