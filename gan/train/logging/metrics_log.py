"""The metrics of a run: JSON lines in chunks, one per checkpoint interval.

`runs/<run_id>/metrics/<first_step>.jsonl` holds the lines from `first_step` to the next checkpoint. A resume deletes
the chunks that begin after its checkpoint, so no step appears twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from gan.errors import IntegrityError
from gan.store import Store, layout
from gan.types import Json


class MetricsLog:
    """Collects the lines of one checkpoint interval after another."""

    def __init__(self, run_id: str, first_step: int) -> None:
        self._run_id = run_id
        self._first_step = first_step
        self._lines: list[str] = []

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of a step, without those that are not finite: JSON can't express them."""
        finite = {name: _short(value) for name, value in metrics.items() if math.isfinite(value)}
        self._lines.append(json.dumps({"step": step, **finite}))

    def take(self, next_step: int) -> dict[str, bytes]:
        """The chunk by its key in the store, if there is one; the next one begins at `next_step`."""
        key, lines = layout.metrics_from(self._run_id, self._first_step), self._lines
        self._first_step, self._lines = next_step, []
        return {key: ("\n".join(lines) + "\n").encode()} if lines else {}


def read_metrics(store: Store, run_id: str) -> list[Json]:
    """Every line of a run's log, ascending by step; empty if nothing was logged yet.

    Each has `step`, and of these what applies: `generator_loss`, `discriminator_loss`, `gradient_penalty`, each
    regulariser by its name in `gan.regularisers.REGULARISERS` (as last computed, without its weight),
    `augmentation_strength` (if it changes), `real_accuracy`
    and `fake_accuracy` (of the discriminator; earlier versions logged them for critics too, where they mean nothing),
    `generator_gradient_norm`, `discriminator_gradient_norm`, `images_per_second` and `data_wait_share` (since the line
    before), `gpu_share` and `gpu_memory_share` (utilisation and memory in use, if there are GPUs), and `seconds` (of
    training, over all sessions).

    Raises:
        IntegrityError: a chunk is not JSON lines.
    """
    lines: list[Json] = []
    for item in store.list(layout.metrics(run_id)):
        try:
            lines += [json.loads(line) for line in store.read(item.key).decode().splitlines()]
        except ValueError:
            raise IntegrityError(f"{store.uri_of(item.key)} is damaged: not JSON lines") from None
    return lines


def _short(value: float) -> float:
    return float(f"{value:.6g}")
