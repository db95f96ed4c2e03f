from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan.util.tf_import import GPU_DEVICES, _filtered_stderr


def test_notices_are_held_back_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with _filtered_stderr(gpu=False):
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795448941.517542   15055 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 something is really wrong\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 something is really wrong\nafter\n"


def test_what_was_held_back_comes_out_when_the_import_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with _filtered_stderr(gpu=False):
            os.write(2, b"libtensorflow.so: cannot open shared object file\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "libtensorflow.so: cannot open shared object file\n"


def test_a_broken_driver_is_news_where_there_is_a_gpu(capfd: pytest.CaptureFixture[str]) -> None:
    said = b"E0000 00:00:1 1 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error\n"
    for gpu in (False, True):
        with _filtered_stderr(gpu=gpu):
            os.write(2, said)
    assert capfd.readouterr().err == said.decode()


def test_import_is_quiet_where_there_is_no_gpu() -> None:
    if any(Path("/dev", name).exists() for name in GPU_DEVICES):
        pytest.skip("there is a GPU here")
    program = "from gan.util.tf_import import load_tensorflow; load_tensorflow(); load_tensorflow(); import tensorflow"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
