"""The environment in which a run began, for its report."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import keras
import tensorflow as tf

from gan import __version__
from gan.train.precision import CPU_INFO
from gan.types import Json


def describe(info: Path = CPU_INFO) -> Json:
    """Versions, processor and devices, as JSON types."""
    gpus = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return {
        "gan": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "platform": platform.platform(),
        "processor": _processor(info),
        "cores": os.cpu_count(),
        "gpus": [each.get("device_name", "GPU") for each in gpus],
    }


def _processor(info: Path) -> str:
    """The processor's name, or its family if the system does not report one."""
    try:
        lines = info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
