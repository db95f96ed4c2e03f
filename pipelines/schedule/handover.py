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
from typing import TYPE_CHECKING

from gan.util import log
from pipelines.schedule.version import Plan, ScheduleVersion

if TYPE_CHECKING:
    from pipelines.schedule.host import Host

MARGIN = dt.timedelta(seconds=5)
MAX_LAG_SECONDS = 120.0
"""The controller polls every 30 seconds, may wait 10 more, and then the run must be reported."""
REPORT_SECONDS = 15.0


def replace(host: Host, plan: Plan) -> ScheduleVersion:
    """Make a plan the schedule of its name; a paused schedule stays paused.

    Returns:
        The new current version.
    """
    versions = complete_handover(host, plan.name)
    if not versions:
        return host.create(plan, 1, host.now(), idle=False, enable=True)
    newest = versions[-1]
    same_time = newest.due == plan.due
    if newest.enabled:
        _wait_until_idle(host, newest)
    start_time = last_triggered(host, newest) if newest.enabled and same_time else host.now()
    host.create(plan, newest.info.generation + 1, start_time, idle=True, enable=newest.enabled)
    return complete_handover(host, plan.name)[-1]


def renew(host: Host, version: ScheduleVersion, *, enable: bool) -> ScheduleVersion:
    """The same schedule as a new version that is due from now on, so that no missed run starts."""
    host.copy(version, host.now(), enable=enable)
    return complete_handover(host, version.name)[-1]


def complete_handover(host: Host, name: str) -> list[ScheduleVersion]:
    """Complete an unfinished handover, and delete older versions whose runs have ended.

    Returns:
        The versions that exist now, the current one last.
    """
    versions = host.versions(name)
    if len(versions) < 2:
        return versions
    *older, newest = versions
    should_be_enabled = newest.info.enable
    _switch_off(host, older)
    if should_be_enabled and not newest.enabled:
        newest = _with_later_start(host, older, newest)
        host.switch(newest, on=True)
    with_unfinished_runs = {run.version for run in host.runs(name) if run.unfinished}
    for version in older:
        if version.id not in with_unfinished_runs:
            host.delete(version)
    return host.versions(name)


def last_triggered(host: Host, version: ScheduleVersion) -> dt.datetime:
    """The last due time for which a version started a run; its start time if none."""
    times = [run.scheduled_at for run in host.runs(version.name) if run.version == version.id]
    return max([version.start_time, *times])


def _switch_off(host: Host, versions: list[ScheduleVersion]) -> None:
    on = [version for version in versions if version.enabled]
    waiting = any(version.due.last(last_triggered(host, version), host.now()) for version in on)
    for version in on:
        host.switch(version, on=False)
    if waiting:  # give a run that is about to start time to be reported
        host.sleep(REPORT_SECONDS)


def _with_later_start(host: Host, older: list[ScheduleVersion], newest: ScheduleVersion) -> ScheduleVersion:
    """`newest`, or a copy due from later on if an older version has started one more run."""
    last = max(last_triggered(host, version) for version in older)
    same_time = any(version.due == newest.due for version in older)
    if not same_time or last <= newest.start_time:
        return newest
    later = host.copy(newest, last, enable=True)
    host.delete(newest)
    return later


def _wait_until_idle(host: Host, version: ScheduleVersion) -> None:
    """Wait until every due time has its run, or waits for an unfinished one, and the next due time is not near."""
    start, said = host.now(), False
    while True:
        now = host.now()
        runs = [run for run in host.runs(version.name) if run.version == version.id]
        due = version.due.last(last_triggered(host, version), now)
        following = version.due.next(now)
        near = following is not None and following - now <= MARGIN
        unserved = due is not None and not any(run.unfinished for run in runs)
        if not near and not unserved:
            return
        if not near and (now - start).total_seconds() > MAX_LAG_SECONDS:
            log.info(
                f"{version.name}: what was due at {due:%Y-%m-%d %H:%M} UTC has not started; is the deployment "
                "ml-pipeline-scheduledworkflow running? The new version will start it"
            )
            return
        if not said:
            log.info(f"{version.name}: waiting until the due run has started")
            said = True
        host.sleep(1.0)
