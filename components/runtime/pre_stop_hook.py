"""Stops the step of this pod and waits until it has ended: `python -m components.runtime.pre_stop_hook`, a preStop
hook of Kubernetes.

Kubeflow's launcher, the parent of a step's process, dies of SIGTERM at once, and the container ends within a second.
Without this hook a step has that one second to save its work, whatever the grace period of its pod.
"""

from __future__ import annotations

import os
import select
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.runtime.pod_metadata import POD

PID_FILE = "gan-step.pid"


def write_pid_file(environment: Mapping[str, str] = os.environ) -> None:
    """Write the id of this process, which is the pod's step, to a file. Outside a pod nothing is written."""
    if POD in environment:
        _pid_file().write_text(str(os.getpid()), encoding="utf-8")


def stop() -> None:
    """Send SIGTERM to the pod's step and return when it has ended; at once if there is none."""
    try:
        process = os.pidfd_open(int(_pid_file().read_text(encoding="utf-8")))
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        select.select([process], [], [])
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def _pid_file() -> Path:
    return Path(tempfile.gettempdir()) / PID_FILE


if __name__ == "__main__":
    stop()
