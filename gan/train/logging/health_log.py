"""The checks of a run's health: JSON lines in chunks, one per checkpoint interval, like its metrics.

`runs/<run_id>/health/<first_step>.jsonl` holds the checks from `first_step` to the next checkpoint. A resume deletes
the chunks that begin after its checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from gan.errors import IntegrityError
from gan.store import Store, layout
from gan.types import Json

HEALTHY = "healthy"
VERDICTS = DIVERGED, COLLAPSED, STALLED, DRIFTING, SLOW = ("diverged", "collapsed", "stalled", "drifting", "slow")
"""Every verdict but healthy, the worst first."""


class HealthLog:
    """Collects the checks of one checkpoint interval after another."""

    def __init__(self, run_id: str, first_step: int) -> None:
        self._run_id = run_id
        self._first_step = first_step
        self._lines: list[str] = []

    def add(self, check: Json) -> None:
        """Add a check; see `gan.train.health.verdicts.Check.to_json`."""
        self._lines.append(json.dumps(check, allow_nan=False))

    def take(self, next_step: int) -> dict[str, bytes]:
        """The chunk by its key in the store, if there is one; the next one begins at `next_step`."""
        key, lines = layout.health_from(self._run_id, self._first_step), self._lines
        self._first_step, self._lines = next_step, []
        return {key: ("\n".join(lines) + "\n").encode()} if lines else {}


def read_health(store: Store, run_id: str) -> list[Json]:
    """Every check of a run, ascending by step; empty if none was made yet.

    Each has `step`, `verdict`, `findings` (each with `verdict`, `signal`, `value`, `threshold` and `reason`) and
    `signals`.

    Raises:
        IntegrityError: a chunk is not JSON lines.
    """
    lines: list[Json] = []
    for item in store.list(layout.health(run_id)):
        try:
            lines += [json.loads(line) for line in store.read(item.key).decode().splitlines()]
        except ValueError:
            raise IntegrityError(f"{store.uri_of(item.key)} is damaged: not JSON lines") from None
    return lines


def worst(verdicts: Sequence[str]) -> str:
    """The worst of some verdicts; healthy if there is none.

    Examples:
        >>> worst(["slow", "collapsed", "healthy"])
        'collapsed'
    """
    return next((each for each in VERDICTS if each in verdicts), HEALTHY)


def summary(checks: Sequence[Json]) -> Json:
    """What a run's checks say in all: `checks`, `unhealthy_checks`, the worst `verdict` and when it was found first.

    `problems` has for each verdict but healthy a sentence: how often, and its first finding.
    """
    problems = []
    for verdict in VERDICTS:
        found = [
            (each["step"], finding) for each in checks for finding in each["findings"] if finding["verdict"] == verdict
        ]
        if found:
            step, first = found[0]
            times = len({each for each, _ in found})
            more = f" and at {times - 1} more check{'s' * (times > 2)}" if times > 1 else ""
            problems.append(f"{verdict} at step {step}{more}: {first['reason']}")
    return {
        "verdict": worst([each["verdict"] for each in checks]),
        "checks": len(checks),
        "unhealthy_checks": sum(each["verdict"] != HEALTHY for each in checks),
        "problems": problems,
    }
