"""The last words of a pod: what `kubectl describe pod` and Kubeflow's own status show of a failed container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gan.util.log import warn

FILE = "GAN_TERMINATION_LOG"
DEFAULT = "/dev/termination-log"
MAX_BYTES = 4096


def write(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Leave a message for Kubernetes, cut to the length that it reads. Outside a pod there is no such file."""
    path = Path(environment.get(FILE, DEFAULT))
    if FILE not in environment and not path.exists():
        return
    try:
        path.write_bytes(cut(text, MAX_BYTES))
    except OSError as error:
        warn(f"can't write the termination message to {path}", reason=error.strerror)


def cut(text: str, most_bytes: int) -> bytes:
    """The beginning of a text as UTF-8, of no more than so many bytes and no half character."""
    return text.encode()[:most_bytes].decode(errors="ignore").encode()
