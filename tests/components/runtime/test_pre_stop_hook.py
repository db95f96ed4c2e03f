from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STEP = """
import signal, sys
from components.runtime.pre_stop_hook import write_pid_file

def end(number, frame):
    print("received", number, flush=True)
    sys.stdin.readline()
    print("cleared up", flush=True)
    sys.exit(143)

signal.signal(signal.SIGTERM, end)
write_pid_file({"GAN_POD": "pod-1"})
print("begun", flush=True)
signal.pause()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path)}


def stop(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "components.runtime.pre_stop_hook"], env=environment)


def test_the_step_is_told_and_waited_for(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STEP], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as step:
        assert step.stdin is not None
        assert step.stdout is not None
        assert step.stdout.readline() == "begun\n"
        with stop(environment) as stopping:
            assert step.stdout.readline() == "received 15\n"
            assert stopping.poll() is None, "it waits while the step clears up"
            step.stdin.write("\n")
            step.stdin.flush()
            assert step.stdout.readline() == "cleared up\n"
            assert stopping.wait(60) == 0
        assert step.wait(60) == 143
    with stop(environment) as again:
        assert again.wait(60) == 0, "nothing runs any more"


def test_a_pod_without_a_step_is_left_alone(environment: dict[str, str]) -> None:
    with stop(environment) as stopping:
        assert stopping.wait(60) == 0


def test_outside_a_pod_nothing_is_noted(environment: dict[str, str], tmp_path: Path) -> None:
    code = "from components.runtime.pre_stop_hook import write_pid_file; write_pid_file({})"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list(tmp_path.iterdir())
