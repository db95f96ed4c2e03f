"""Stops a run at the first loss, gradient or weight that is not finite.

The step computes one flag on the device. Reading it at once would make the host wait for the device, so each step's
flag is read once the next step is under way: the device stays busy, and the step in the message is still the right one.
Nothing is saved before `check_last` has read the last flag.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gan.errors import DivergedError

FLAG = "all_finite"


class NanGuard:
    """Watches the metrics of each step; `FLAG` among them says whether all are finite."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._last_saved: int | None = None
        self._unchecked: tuple[int, Mapping[str, Any]] | None = None

    def watch(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Take a step's metrics (scalar tensors), and check those of the step before.

        Raises:
            DivergedError: a loss or gradient of the step before is not finite.
        """
        previous, self._unchecked = self._unchecked, (step, metrics)
        self._check(previous)

    def check_last(self) -> None:
        """Check the last step's metrics now.

        Raises:
            DivergedError: a loss or gradient of the last step is not finite.
        """
        last, self._unchecked = self._unchecked, None
        self._check(last)

    def saved(self, step: int) -> None:
        """Note that `step` has a checkpoint, for the error message."""
        self._last_saved = step

    def check_state(self, step: int, tensors: Mapping[str, Any]) -> None:
        """Check the weights, which can overflow although every loss and gradient is finite.

        Raises:
            DivergedError: a tensor holds a value that is not finite.
        """
        import numpy as np

        for name, tensor in tensors.items():
            if not np.isfinite(tensor).all():
                raise self._error(step, f"variable {name}")

    def _check(self, unchecked: tuple[int, Mapping[str, Any]] | None) -> None:
        if unchecked is None or bool(unchecked[1][FLAG]):
            return
        step, metrics = unchecked
        names = [name for name, value in metrics.items() if not math.isfinite(float(value))]
        raise self._error(step, " and ".join(names))

    def _error(self, step: int, what: str) -> DivergedError:
        kept = "no checkpoint was saved yet" if self._last_saved is None else f"checkpoint {self._last_saved} is kept"
        return DivergedError(
            f"run {self._run_id} diverged at step {step}: {what} not finite; {kept}. The same command would diverge "
            "again: lower train.generator_learning_rate and train.discriminator_learning_rate, or change loss.name or "
            "train.seed"
        )
