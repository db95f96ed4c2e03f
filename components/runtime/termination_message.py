"""The pod's termination message: what `kubectl describe pod` and Kubeflow's status show of a failed container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gan.util import log

FILE = "GAN_TERMINATION_LOG"
DEFAULT = "/dev/termination-log"
MAX_BYTES = 4096


def write(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Write the message, cut to the length that Kubernetes reads. Outside a pod nothing is written."""
    path = Path(environment.get(FILE, DEFAULT))
    if FILE not in environment and not path.exists():
        return
    try:
        path.write_bytes(cut(text, MAX_BYTES))
    except OSError as error:
        log.warning(f"can't write the termination message to {path}", reason=error.strerror)


def cut(text: str, max_bytes: int) -> bytes:
    """The beginning of a text as UTF-8, at most `max_bytes` long, without half a character at the end."""
    return text.encode()[:max_bytes].decode(errors="ignore").encode()
