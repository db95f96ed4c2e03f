"""Stops a run at the first loss or gradient that is not finite.

The step computes one flag on the device. Asking for it at once would make the host wait for the device at every
step, so each step's flag is looked at when the next step is under way: the device always has work, and the step named
is still the very one. Nothing is saved before `settle` has looked at the last flag.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gan.errors import DivergedError

FLAG = "all_finite"


class NanGuard:
    """Watches the metrics of each step; `FLAG` among them tells whether the step went well."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._last_good: int | None = None
        self._unseen: tuple[int, Mapping[str, Any]] | None = None

    def watch(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Take in a step's metrics (scalar tensors), and look at those of the step before.

        Raises:
            DivergedError: a loss or gradient of the step before is not finite.
        """
        unseen, self._unseen = self._unseen, (step, metrics)
        self._look(unseen)

    def settle(self) -> None:
        """Look at the last step's metrics now.

        Raises:
            DivergedError: a loss or gradient of the last step is not finite.
        """
        unseen, self._unseen = self._unseen, None
        self._look(unseen)

    def saved(self, step: int) -> None:
        """Note that `step` has a checkpoint, which the message of an error then names."""
        self._last_good = step

    def check_state(self, step: int, tensors: Mapping[str, Any]) -> None:
        """Refuse to save weights that are not finite though every loss and gradient was.

        Raises:
            DivergedError: a tensor holds a value that is not finite.
        """
        import numpy as np

        for name, tensor in tensors.items():
            if not np.isfinite(tensor).all():
                raise self._error(step, f"variable {name}")

    def _look(self, unseen: tuple[int, Mapping[str, Any]] | None) -> None:
        if unseen is None or bool(unseen[1][FLAG]):
            return
        step, metrics = unseen
        terms = [name for name, value in metrics.items() if not math.isfinite(float(value))]
        raise self._error(step, " and ".join(terms))

    def _error(self, step: int, term: str) -> DivergedError:
        kept = "no checkpoint was saved yet" if self._last_good is None else f"checkpoint {self._last_good} is kept"
        return DivergedError(
            f"run {self._run_id} diverged at step {step}: {term} not finite; {kept}. The same command would diverge "
            "again: lower train.generator_learning_rate and train.discriminator_learning_rate, or change loss.name or "
            "train.seed"
        )
