"""Utilisation of the visible GPUs, from nvidia-smi; nothing if there is none."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType

TOOL = "nvidia-smi"
QUERY = ("--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
POLL_INTERVAL_SECONDS = 10.0
TIMEOUT_SECONDS = 30.0


class GpuWatch:
    """Polls nvidia-smi in a thread while the context is entered.

    Args:
        interval_seconds: the time between two polls.
    """

    def __init__(self, interval_seconds: float = POLL_INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._program = shutil.which(TOOL)
        self._shares: dict[str, float] = {}
        self._over = threading.Event()

    def __enter__(self) -> GpuWatch:
        if self._program is not None:
            threading.Thread(target=self._work, args=(self._program,), name="gpu", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def shares(self) -> dict[str, float]:
        """`gpu_share` (utilisation) and `gpu_memory_share` (in use), from 0 to 1; empty if unknown."""
        return self._shares

    def _work(self, program: str) -> None:
        while not self._over.is_set():
            try:
                result = subprocess.run(  # noqa: S603
                    [program, *QUERY], capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS
                )
            except (OSError, subprocess.SubprocessError):
                self._shares = {}
                return  # no GPU, or it hangs
            self._shares = shares_of(result.stdout.splitlines())
            self._over.wait(self._interval_seconds)


def shares_of(lines: Sequence[str]) -> dict[str, float]:
    """The means over the GPUs, from lines of `percent, MiB used, MiB total`.

    A GPU partitioned by MIG reports no utilisation: "[N/A]".
    """
    rows = [[_number(cell) for cell in line.split(",")] for line in lines]
    busy = [row[0] / 100 for row in rows if len(row) == 3 and row[0] is not None]
    memory = [row[1] / row[2] for row in rows if len(row) == 3 and row[1] is not None and row[2]]
    found = {"gpu_share": busy, "gpu_memory_share": memory}
    return {name: round(sum(values) / len(values), 4) for name, values in found.items() if values}


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
