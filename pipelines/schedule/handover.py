"""Changes a schedule in place, though Kubeflow can't change a recurring run: no run is missed, none comes twice.

A change makes a new version beside the old one and hands over:

    1. wait until nothing is due at this moment and what was due has begun;
    2. make the new version, switched off, due from the last moment that the old one answered;
    3. switch the old one off; if it has begun one more run meanwhile, make the new one anew from there;
    4. switch the new one on; what fell due since is due there, and begins now;
    5. delete the old one, unless a run of it goes on: Kubernetes would delete that with it.

At no time are two versions on, and each moment is answered by one. Whatever stops the change in between, the next one
of the same schedule completes it: the new version says of itself that it is to be on.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipelines.schedule.plan import Plan
from pipelines.schedule.version import ScheduledRun, ScheduleVersion

MARGIN = dt.timedelta(seconds=5)
LONGEST_LAG_SECONDS = 120.0
"""The controller looks every 30 seconds, may wait 10 more, and then the run must be reported."""
REPORT_SECONDS = 15.0


class Backend(Protocol):
    """What a change needs of `pipelines.schedule.host.Host`."""

    def now(self) -> dt.datetime:
        """The time."""

    def versions(self, name: str | None = None) -> list[ScheduleVersion]:
        """Every version of a schedule, in order of their generations."""

    def runs(self, name: str) -> list[ScheduledRun]:
        """The runs of a schedule, the last one first."""

    def create(
        self, plan: Plan, generation: int, start_time: dt.datetime, *, idle: bool, enable: bool
    ) -> ScheduleVersion:
        """Put a plan on the host as a new version."""

    def copy(self, version: ScheduleVersion, start_time: dt.datetime, *, enable: bool) -> ScheduleVersion:
        """A further version that does what `version` does."""

    def switch(self, version: ScheduleVersion, *, on: bool) -> None:
        """Let a version begin runs, or not."""

    def delete(self, version: ScheduleVersion) -> None:
        """Take a version away."""


@dataclass(frozen=True)
class HandoverTimeouts:
    """How a change waits, and what it tells of that; all passed in so that tests need not wait."""

    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = lambda text: None


def replace(backend: Backend, plan: Plan, *, patience: HandoverTimeouts) -> ScheduleVersion:
    """Make a plan the schedule of its name; a schedule that is paused stays so.

    Returns:
        The version that is the schedule now.
    """
    versions = complete_handover(backend, plan.name, patience=patience)
    if not versions:
        return backend.create(plan, 1, backend.now(), idle=False, enable=True)
    newest = versions[-1]
    same_time = newest.due == plan.due
    if newest.enabled:
        _wait_until_idle(backend, newest, patience)
    start_time = last_triggered(backend, newest) if newest.enabled and same_time else backend.now()
    backend.create(plan, newest.mark.generation + 1, start_time, idle=True, enable=newest.enabled)
    return complete_handover(backend, plan.name, patience=patience)[-1]


def renew(backend: Backend, version: ScheduleVersion, *, enable: bool, patience: HandoverTimeouts) -> ScheduleVersion:
    """The same schedule as a new version that is due from now on: nothing of before is made up for."""
    backend.copy(version, backend.now(), enable=enable)
    return complete_handover(backend, version.name, patience=patience)[-1]


def complete_handover(backend: Backend, name: str, *, patience: HandoverTimeouts) -> list[ScheduleVersion]:
    """Complete whatever hand-over was begun, and delete the versions before whose runs have ended.

    Returns:
        The versions that are there now; the last one is the schedule.
    """
    versions = backend.versions(name)
    if len(versions) < 2:
        return versions
    *older, newest = versions
    to_be_on = newest.mark.enable
    _switch_off(backend, older, patience)
    if to_be_on and not newest.enabled:
        newest = _caught_up(backend, older, newest)
        backend.switch(newest, on=True)
    going_on = {run.version for run in backend.runs(name) if run.going_on}
    for version in older:
        if version.id not in going_on:
            backend.delete(version)
    return backend.versions(name)


def last_triggered(backend: Backend, version: ScheduleVersion) -> dt.datetime:
    """The last moment for which a version has begun a run; where there is none, that from which it is due."""
    moments = [run.scheduled_at for run in backend.runs(version.name) if run.version == version.id]
    return max([version.start_time, *moments])


def _switch_off(backend: Backend, versions: list[ScheduleVersion], patience: HandoverTimeouts) -> None:
    on = [version for version in versions if version.enabled]
    waiting = any(version.due.last(last_triggered(backend, version), backend.now()) for version in on)
    for version in on:
        backend.switch(version, on=False)
    if waiting:  # a run that is about to begin has a moment to show
        patience.sleep(REPORT_SECONDS)


def _caught_up(backend: Backend, older: list[ScheduleVersion], newest: ScheduleVersion) -> ScheduleVersion:
    """`newest`, or the same due from later on where a version before it has begun one more run."""
    last = max(last_triggered(backend, version) for version in older)
    same_time = any(version.due == newest.due for version in older)
    if not same_time or last <= newest.start_time:
        return newest
    later = backend.copy(newest, last, enable=True)
    backend.delete(newest)
    return later


def _wait_until_idle(backend: Backend, version: ScheduleVersion, patience: HandoverTimeouts) -> None:
    """Until every moment so far is answered, or kept waiting by a run that goes on, and the next one is not near."""
    began, told = backend.now(), False
    while True:
        now = backend.now()
        runs = [run for run in backend.runs(version.name) if run.version == version.id]
        due = version.due.last(last_triggered(backend, version), now)
        following = version.due.next(now)
        near = following is not None and following - now <= MARGIN
        unanswered = due is not None and not any(run.going_on for run in runs)
        if not near and not unanswered:
            return
        if not near and (now - began).total_seconds() > LONGEST_LAG_SECONDS:
            patience.say(
                f"{version.name}: what was due at {due:%Y-%m-%d %H:%M} UTC has not begun; is the deployment "
                "ml-pipeline-scheduledworkflow at work? The new version will begin it"
            )
            return
        if not told:
            patience.say(f"{version.name}: waiting until what is due has begun")
            told = True
        patience.sleep(1.0)
