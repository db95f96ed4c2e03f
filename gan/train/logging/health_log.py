"""The checks of a run's health: JSON lines in `runs/<run_id>/health`; see `gan.train.logging.json_lines`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gan.store import Store, layout
from gan.train.logging import json_lines
from gan.types import Json

HEALTHY = "healthy"
VERDICTS = DIVERGED, COLLAPSED, STALLED, DRIFTING, SLOW = ("diverged", "collapsed", "stalled", "drifting", "slow")
"""Every verdict but healthy, the worst first."""


class HealthLog(json_lines.Chunks):
    """Collects the checks of one checkpoint interval after another."""

    def __init__(self, run_id: str, first_step: int) -> None:
        super().__init__(partial(layout.health_from, run_id), first_step)

    def add(self, check: Json) -> None:
        """Add a check; see `gan.train.health.verdicts.Check.to_json`."""
        self._add(check)


def read_health(store: Store, run_id: str) -> list[Json]:
    """Every check of a run, ascending by step; empty if none was made yet.

    Each has `step`, `verdict`, `findings` (each with `verdict`, `signal`, `value`, `threshold` and `reason`) and
    `signals`.

    Raises:
        IntegrityError: a chunk is not JSON lines.
    """
    return json_lines.read(store, layout.health(run_id))


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
