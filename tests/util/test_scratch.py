"""Temporary files on disks that fill up."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from gan.errors import StoreError
from gan.util.scratch import ABANDONED_AFTER_SECONDS, LOCK_FILE, disk_error, scratch_folder


def test_the_folder_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder:
        (folder / "x").write_bytes(b"")
        assert folder.parent.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


KEEPING = (
    "import sys; from gan.util.scratch import scratch_folder\n"
    "with scratch_folder() as at: print(at, flush=True); input()"
)


def test_folders_of_killed_processes_are_removed_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / "gan-of-a-user"
    mine.mkdir()
    command = [sys.executable, "-c", KEEPING]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as killed,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as living,
    ):
        assert killed.stdout
        assert living.stdout
        left, kept = (Path(process.stdout.readline().decode().strip()) for process in (killed, living))
        killed.kill()
        killed.wait()
        with scratch_folder():
            assert left.exists()  # too new to be abandoned
        past = time.time() - 2 * ABANDONED_AFTER_SECONDS
        for folder in (left, kept):
            os.utime(folder.parent / LOCK_FILE, (past, past))
        with scratch_folder():
            assert not left.parent.exists()
            assert kept.exists()
        living.communicate(b"\n")
    assert list(tmp_path.iterdir()) == [mine]


def test_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StoreError, match="is full; free some space, or set TMPDIR"), scratch_folder() as folder:
        (folder / "x").write_bytes(bytes(4 << 20))
    assert list(small_disk.iterdir()) == []


def test_no_folder_to_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match=r"can't write temporary files to .*missing"), scratch_folder():
        pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_messages_name_the_place(number: int) -> None:
    assert "the disk of /t/x is full" in str(disk_error(OSError(number, "full", "/t/x")))
    assert "the disk of " in str(disk_error(OSError(number, "full")))


def test_a_full_disk_that_tensorflow_meets(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StoreError, match="is full; free some space, or set TMPDIR"), scratch_folder() as folder:
        tf.io.write_file(str(folder / "x"), tf.constant(bytes(4 << 20)))
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_that_hdf5_meets(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential([keras.Input([1000]), keras.layers.Dense(1000)])
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StoreError, match="is full; free some space, or set TMPDIR"), scratch_folder() as folder:
        model.save(folder / "x.keras")


def test_errors_of_tensorflow_about_the_folder_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StoreError, match=r"can't write temporary files to .*TMPDIR"), scratch_folder() as folder:
        tf.io.write_file(str(folder), tf.constant(b"a file in place of the folder"))


@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), tf.errors.ResourceExhaustedError(None, None, "")]
)
def test_what_has_nothing_to_do_with_disks_passes_through(error: Exception) -> None:
    with pytest.raises(type(error)), scratch_folder():
        raise error
