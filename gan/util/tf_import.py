"""Import TensorFlow without the notices that no setting turns off."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# https://github.com/tensorflow/tensorflow/issues/100442: written at import, whatever TF_CPP_MIN_LOG_LEVEL says.
NOTICE = re.compile(rb"WARNING: All log messages before absl::InitializeLog\(\)|I0000 ")
# On a machine without GPUs, "CUDA finds no GPU" is not worth a message.
NO_GPU = re.compile(rb"E0000 .* failed call to cuInit")
GPU_DEVICES = ("nvidia0", "nvidiactl", "dxg")


def load_tensorflow() -> None:
    """Import TensorFlow and drop its import notices, but nothing else, from stderr."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _filtered_stderr(gpu=any(Path("/dev", name).exists() for name in GPU_DEVICES)):
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")  # so that CUDA writes its messages now


@contextmanager
def _filtered_stderr(*, gpu: bool) -> Iterator[None]:
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not NOTICE.match(line) and (gpu or not NO_GPU.match(line)):
                    os.write(2, line)
