"""The numerical precision of a run, and bitwise reproducibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gan.util import log
from gan.util.formatting import format_number

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
Capability = tuple[int, int]
BFLOAT16_SINCE: Capability = (8, 0)  # Ampere
FLOAT16_SINCE: Capability = (7, 0)  # Volta
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
MIN_GAIN = 1.05
"""By how much bfloat16 must be faster on a CPU to be chosen: its rounding is not worth less."""
CPU_INFO = Path("/proc/cpuinfo")


def resolve(
    wanted: str, gpus: Sequence[Capability], cpu_flags: frozenset[str], seconds_per_step: Callable[[str], float]
) -> str:
    """`train.precision` with `auto` resolved for a device.

    On GPUs `auto` is mixed precision where there are matrix units for it: bfloat16 since Ampere, float16 on Volta and
    Turing. On a CPU with instructions for bfloat16 it is what is faster there for the networks of the run: such CPUs
    gain between nothing and 60 %. Elsewhere it is float32.

    Args:
        wanted: the config's value.
        gpus: the compute capability of each GPU.
        cpu_flags: the features of the CPU, as in /proc/cpuinfo.
        seconds_per_step: measures a training step in a precision; called only if the CPU has the instructions.
    """
    if wanted != "auto":
        return wanted
    if gpus:
        oldest = min(gpus)
        if oldest >= BFLOAT16_SINCE:
            return "mixed_bfloat16"
        return "mixed_float16" if oldest >= FLOAT16_SINCE else "float32"
    if not cpu_flags & BFLOAT16_FLAGS:
        return "float32"
    seconds = {precision: seconds_per_step(precision) for precision in ("float32", "mixed_bfloat16")}
    chosen = "mixed_bfloat16" if seconds["mixed_bfloat16"] * MIN_GAIN <= seconds["float32"] else "float32"
    measured: dict[str, Any] = {f"{name}_steps_per_second": format_number(1 / each) for name, each in seconds.items()}
    log.info(f"train.precision=auto is {chosen} here", **measured)
    return chosen


def gpu_capabilities() -> list[Capability]:
    """The compute capability of each GPU of this machine."""
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [each.get("compute_capability", (0, 0)) for each in details]


def cpu_flags(info: Path = CPU_INFO) -> frozenset[str]:
    """The features of this machine's CPU; empty if the system does not report them."""
    try:
        lines = info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


@contextmanager
def reproducible(precision: str, seed: int, *, deterministic: bool = True) -> Iterator[None]:
    """Inside, layers are created in `precision` and initialised from `seed`; all ops are deterministic, if asked.

    Op determinism stays on afterwards: TensorFlow has no public function that turns it off. On a CPU it costs nothing
    (docs/speed.md). The graph optimiser's remapper is turned off: on the gradient of LeakyReLU after a biased
    convolution it fails with an error on stderr and gains nothing (TensorFlow 2.21).
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
