"""The metrics of a run: JSON lines in `runs/<run_id>/metrics`; see `gan.train.logging.json_lines`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from gan.store import Store, layout
from gan.train.logging import json_lines
from gan.types import Json


class MetricsLog(json_lines.Chunks):
    """Collects the lines of one checkpoint interval after another."""

    def __init__(self, run_id: str, first_step: int) -> None:
        super().__init__(partial(layout.metrics_from, run_id), first_step)

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of a step, without those that are not finite: JSON can't express them."""
        finite = {name: _short(value) for name, value in metrics.items() if math.isfinite(value)}
        self._add({"step": step, **finite})


def read_metrics(store: Store, run_id: str) -> list[Json]:
    """Every line of a run's log, ascending by step; empty if nothing was logged yet.

    Each has `step`, and of these what applies: `generator_loss`, `discriminator_loss`, `gradient_penalty`, each
    regulariser by its name in `gan.regularisers.REGULARISERS` (as last computed, without its weight),
    `augmentation_strength` (if it changes), `real_accuracy` and `fake_accuracy` (of the discriminator; earlier versions
    logged them for critics too, where they mean nothing), `generator_gradient_norm`, `discriminator_gradient_norm`,
    `images_per_second` and `data_wait_share` (since the line before), `gpu_share` and `gpu_memory_share` (utilisation
    and memory in use, if there are GPUs), and `seconds` (of training, over all sessions).

    Raises:
        IntegrityError: a chunk is not JSON lines.
    """
    return json_lines.read(store, layout.metrics(run_id))


def _short(value: float) -> float:
    return float(f"{value:.6g}")
