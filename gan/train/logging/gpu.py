"""How busy the GPUs are that this process can see, by NVIDIA's own tool; nothing where there is none."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType

TOOL = "nvidia-smi"
QUERY = ("--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 30.0


class GpuWatch:
    """Asks every few seconds, in a thread, as long as it is entered.

    Args:
        every_seconds: the time between two questions.
    """

    def __init__(self, every_seconds: float = EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
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
        """`gpu_share` (at work) and `gpu_memory_share` (taken), from 0 to 1; empty where they are not known."""
        return self._shares

    def _work(self, program: str) -> None:
        while not self._over.is_set():
            try:
                told = subprocess.run(  # noqa: S603
                    [program, *QUERY], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
                )
            except (OSError, subprocess.SubprocessError):
                self._shares = {}
                return  # the tool is there and no GPU is, or it hangs
            self._shares = shares_of(told.stdout.splitlines())
            self._over.wait(self._every_seconds)


def shares_of(lines: Sequence[str]) -> dict[str, float]:
    """The means over the GPUs, from the tool's lines of `percent, MiB used, MiB in all`.

    A GPU that was cut into parts (MIG) does not tell how busy it is: "[N/A]".
    """
    rows = [[_number(cell) for cell in line.split(",")] for line in lines]
    busy = [row[0] / 100 for row in rows if len(row) == 3 and row[0] is not None]
    taken = [row[1] / row[2] for row in rows if len(row) == 3 and row[1] is not None and row[2]]
    found = {"gpu_share": busy, "gpu_memory_share": taken}
    return {name: round(sum(values) / len(values), 4) for name, values in found.items() if values}


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
