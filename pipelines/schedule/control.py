"""Manual actions on a schedule: pause, resume, delete, run now."""

from __future__ import annotations

import datetime as dt

from gan.errors import EXIT_RUN_UNFINISHED, GanError, NotFoundError, unknown_name
from pipelines.schedule.handover import HandoverHooks, complete_handover, last_triggered, renew
from pipelines.schedule.host import Host
from pipelines.schedule.version import ScheduledRun, ScheduleVersion

BY_HAND = ""
"""The version of runs that `run-now` started."""


class UnfinishedRunError(GanError):
    """A run of the schedule has not ended."""

    exit_code = EXIT_RUN_UNFINISHED


def find(host: Host, name: str, hooks: HandoverHooks) -> list[ScheduleVersion]:
    """The versions of a schedule, the current one last; an unfinished handover is completed first.

    Raises:
        NotFoundError: there is no such schedule.
    """
    versions = complete_handover(host, name, hooks=hooks)
    if versions:
        return versions
    known = sorted({version.name for version in host.versions()})
    raise NotFoundError(unknown_name("schedule", name, known, "`gan-pipelines schedule apply FILE` creates it"))


def pause(host: Host, name: str, hooks: HandoverHooks) -> bool:
    """Start no further runs; a running one continues. Returns whether that changed anything.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name, hooks)
    if not newest.enabled:
        return False
    if older:  # disabling it next to older versions would look like an interrupted handover
        renew(host, newest, enable=False, hooks=hooks)
    else:
        host.switch(newest, on=False)
    return True


def resume(host: Host, name: str, hooks: HandoverHooks) -> bool:
    """Start runs again from now on. Returns whether that changed anything.

    Enabling the old version would at once start a run that was due during the pause; a new version replaces it then.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name, hooks)
    if newest.enabled:
        return False
    if older or newest.due.last(last_triggered(host, newest), host.now()) is not None:
        renew(host, newest, enable=True, hooks=hooks)
    else:
        host.switch(newest, on=True)
    return True


def delete(host: Host, name: str, hooks: HandoverHooks) -> None:
    """Pause a schedule and delete it.

    Raises:
        NotFoundError: there is no such schedule.
        UnfinishedRunError: Kubernetes would delete the pods of an unfinished run with it; the schedule is only paused.
    """
    pause(host, name, hooks)
    versions = find(host, name, hooks)
    run = unfinished_run(host, name, {version.id for version in versions})
    if run is not None:
        raise UnfinishedRunError(
            f"schedule {name} is paused, but not deleted: its run {run.id} has not ended, and would lose its pods; "
            f"wait for it (`gan-pipelines wait {run.id}`) or cancel it (`gan-pipelines cancel {run.id}`), then delete "
            "again"
        )
    for version in versions:
        host.delete(version)


def run_now(host: Host, name: str, hooks: HandoverHooks) -> str:
    """Start a run of a schedule, paused or not, and return its id.

    Raises:
        NotFoundError: there is no such schedule.
        UnfinishedRunError: another run of it has not ended.
    """
    versions = find(host, name, hooks)
    run = unfinished_run(host, name, {BY_HAND, *(version.id for version in versions)})
    if run is not None:
        raise UnfinishedRunError(
            f"the run {run.id} of schedule {name} has not ended, and only one at a time is allowed; wait for it "
            f"(`gan-pipelines wait {run.id}`) or cancel it (`gan-pipelines cancel {run.id}`)"
        )
    return host.run(versions[-1], f"{name}-now-{host.now().astimezone(dt.UTC):%Y%m%d-%H%M%S}")


def unfinished_run(host: Host, name: str, versions: set[str]) -> ScheduledRun | None:
    """An unfinished run of these versions of a schedule, None if there is none.

    Deleting a version deletes its pods, but the backend keeps reporting their runs as RUNNING.
    """
    return next((run for run in host.runs(name) if run.unfinished and run.version in versions), None)
