"""The figures of a run: JSON lines in chunks, one chunk a checkpoint interval.

`runs/<run_id>/metrics/<first_step>.jsonl` holds the lines from `first_step` to the next checkpoint. A resume deletes
the chunks that begin after its checkpoint, so no step stands twice.
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

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Note the figures of a step. One that is not finite is left out: JSON has no word for it."""
        finite = {name: _short(value) for name, value in figures.items() if math.isfinite(value)}
        self._lines.append(json.dumps({"step": step, **finite}))

    def take(self, next_step: int) -> dict[str, bytes]:
        """The chunk under its key, if there is one; the next one begins at `next_step`."""
        key, lines = layout.metrics_from(self._run_id, self._first_step), self._lines
        self._first_step, self._lines = next_step, []
        return {key: ("\n".join(lines) + "\n").encode()} if lines else {}


def read_metrics(store: Store, run_id: str) -> list[Json]:
    """Every line of a run's log, ascending by step; empty where nothing was logged yet.

    Each has `step`, and those of these that apply: `generator_loss`, `discriminator_loss`, `kl`, `gradient_penalty`,
    `real_accuracy` and `fake_accuracy` (shares that the discriminator got right; earlier versions logged them for
    critics too, where they mean nothing), `generator_gradient_norm`, `discriminator_gradient_norm`,
    `images_per_second` and `data_wait_share` (since the line before), `gpu_share` and `gpu_memory_share` (at work and
    taken, of the GPUs if there are any), and `seconds` (of training, over all sessions).

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
