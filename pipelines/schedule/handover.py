"""Replaces a schedule in place, though Kubeflow can't change a recurring run: no run is missed, none starts twice.

A change creates a new version and hands over from the old one:

    1. wait until nothing is due right now and every due run has started;
    2. create the new version, disabled, due from the last time that the old one served;
    3. disable the old one; if it has started one more run meanwhile, recreate the new one from there;
    4. enable the new one; a run that fell due since starts now;
    5. delete the old one, unless a run of it is unfinished: Kubernetes would delete its pods too.

Two versions are never enabled at once, and each due time is served by one. If a change is interrupted, the next command
that changes the schedule completes it: the new version's description says that it should be enabled.
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
MAX_LAG_SECONDS = 120.0
"""The controller polls every 30 seconds, may wait 10 more, and then the run must be reported."""
REPORT_SECONDS = 15.0


class Backend(Protocol):
    """The part of `pipelines.schedule.host.Host` that a handover uses."""

    def now(self) -> dt.datetime:
        """The time."""

    def versions(self, name: str | None = None) -> list[ScheduleVersion]:
        """Every version of a schedule, by generation."""

    def runs(self, name: str) -> list[ScheduledRun]:
        """The runs of a schedule, newest first."""

    def create(
        self, plan: Plan, generation: int, start_time: dt.datetime, *, idle: bool, enable: bool
    ) -> ScheduleVersion:
        """Create a version from a plan."""

    def copy(self, version: ScheduleVersion, start_time: dt.datetime, *, enable: bool) -> ScheduleVersion:
        """A further version with the same job and cron."""

    def switch(self, version: ScheduleVersion, *, on: bool) -> None:
        """Enable or disable a version."""

    def delete(self, version: ScheduleVersion) -> None:
        """Delete a version."""


@dataclass(frozen=True)
class HandoverHooks:
    """How a handover waits, and where it reports that."""

    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = lambda text: None


def replace(backend: Backend, plan: Plan, *, hooks: HandoverHooks) -> ScheduleVersion:
    """Make a plan the schedule of its name; a paused schedule stays paused.

    Returns:
        The new current version.
    """
    versions = complete_handover(backend, plan.name, hooks=hooks)
    if not versions:
        return backend.create(plan, 1, backend.now(), idle=False, enable=True)
    newest = versions[-1]
    same_time = newest.due == plan.due
    if newest.enabled:
        _wait_until_idle(backend, newest, hooks)
    start_time = last_triggered(backend, newest) if newest.enabled and same_time else backend.now()
    backend.create(plan, newest.info.generation + 1, start_time, idle=True, enable=newest.enabled)
    return complete_handover(backend, plan.name, hooks=hooks)[-1]


def renew(backend: Backend, version: ScheduleVersion, *, enable: bool, hooks: HandoverHooks) -> ScheduleVersion:
    """The same schedule as a new version that is due from now on, so that no missed run starts."""
    backend.copy(version, backend.now(), enable=enable)
    return complete_handover(backend, version.name, hooks=hooks)[-1]


def complete_handover(backend: Backend, name: str, *, hooks: HandoverHooks) -> list[ScheduleVersion]:
    """Complete an unfinished handover, and delete older versions whose runs have ended.

    Returns:
        The versions that exist now, the current one last.
    """
    versions = backend.versions(name)
    if len(versions) < 2:
        return versions
    *older, newest = versions
    should_be_enabled = newest.info.enable
    _switch_off(backend, older, hooks)
    if should_be_enabled and not newest.enabled:
        newest = _with_later_start(backend, older, newest)
        backend.switch(newest, on=True)
    with_unfinished_runs = {run.version for run in backend.runs(name) if run.unfinished}
    for version in older:
        if version.id not in with_unfinished_runs:
            backend.delete(version)
    return backend.versions(name)


def last_triggered(backend: Backend, version: ScheduleVersion) -> dt.datetime:
    """The last due time for which a version started a run; its start time if none."""
    times = [run.scheduled_at for run in backend.runs(version.name) if run.version == version.id]
    return max([version.start_time, *times])


def _switch_off(backend: Backend, versions: list[ScheduleVersion], hooks: HandoverHooks) -> None:
    on = [version for version in versions if version.enabled]
    waiting = any(version.due.last(last_triggered(backend, version), backend.now()) for version in on)
    for version in on:
        backend.switch(version, on=False)
    if waiting:  # give a run that is about to start time to be reported
        hooks.sleep(REPORT_SECONDS)


def _with_later_start(backend: Backend, older: list[ScheduleVersion], newest: ScheduleVersion) -> ScheduleVersion:
    """`newest`, or a copy due from later on if an older version has started one more run."""
    last = max(last_triggered(backend, version) for version in older)
    same_time = any(version.due == newest.due for version in older)
    if not same_time or last <= newest.start_time:
        return newest
    later = backend.copy(newest, last, enable=True)
    backend.delete(newest)
    return later


def _wait_until_idle(backend: Backend, version: ScheduleVersion, hooks: HandoverHooks) -> None:
    """Wait until every due time has its run, or waits for an unfinished one, and the next due time is not near."""
    start, said = backend.now(), False
    while True:
        now = backend.now()
        runs = [run for run in backend.runs(version.name) if run.version == version.id]
        due = version.due.last(last_triggered(backend, version), now)
        following = version.due.next(now)
        near = following is not None and following - now <= MARGIN
        unserved = due is not None and not any(run.unfinished for run in runs)
        if not near and not unserved:
            return
        if not near and (now - start).total_seconds() > MAX_LAG_SECONDS:
            hooks.say(
                f"{version.name}: what was due at {due:%Y-%m-%d %H:%M} UTC has not started; is the deployment "
                "ml-pipeline-scheduledworkflow running? The new version will start it"
            )
            return
        if not said:
            hooks.say(f"{version.name}: waiting until the due run has started")
            said = True
        hooks.sleep(1.0)
