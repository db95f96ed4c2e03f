"""What is done to a schedule by hand: pause, resume, delete, run now."""

from __future__ import annotations

import datetime as dt

from gan.errors import EXIT_RUN_UNFINISHED, GanError, NotFoundError, unknown_name
from pipelines.schedule.handover import HandoverTimeouts, complete_handover, last_triggered, renew
from pipelines.schedule.host import Host
from pipelines.schedule.version import ScheduledRun, ScheduleVersion

BY_HAND = ""
"""In the place of a version, for runs of `run-now`."""


class RunGoingOnError(GanError):
    """A run of the schedule goes on, which stands in the way."""

    exit_code = EXIT_RUN_UNFINISHED


def find(host: Host, name: str, patience: HandoverTimeouts) -> list[ScheduleVersion]:
    """The versions of a schedule, the last one being what it is now; a hand-over that was begun is completed.

    Raises:
        NotFoundError: there is no such schedule.
    """
    versions = complete_handover(host, name, patience=patience)
    if versions:
        return versions
    known = sorted({version.name for version in host.versions()})
    raise NotFoundError(unknown_name("schedule", name, known, "`gan-pipelines schedule apply FILE` makes it"))


def pause(host: Host, name: str, patience: HandoverTimeouts) -> bool:
    """Let a schedule begin no more runs; one that goes on is left alone. Tells whether that changed anything.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name, patience)
    if not newest.enabled:
        return False
    if older:  # a switched-off version beside older ones would look like a hand-over that broke off
        renew(host, newest, enable=False, patience=patience)
    else:
        host.switch(newest, on=False)
    return True


def resume(host: Host, name: str, patience: HandoverTimeouts) -> bool:
    """Let a schedule begin runs again from now on. Tells whether that changed anything.

    Kubeflow would at once begin a run for what fell due during the pause, so that then a new version takes over.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name, patience)
    if newest.enabled:
        return False
    if older or newest.due.last(last_triggered(host, newest), host.now()) is not None:
        renew(host, newest, enable=True, patience=patience)
    else:
        host.switch(newest, on=True)
    return True


def delete(host: Host, name: str, patience: HandoverTimeouts) -> None:
    """Pause a schedule and take it away.

    Raises:
        NotFoundError: there is no such schedule.
        RunGoingOnError: a run of it goes on, whose pods Kubernetes would delete with it; it is paused all the same.
    """
    pause(host, name, patience)
    versions = find(host, name, patience)
    run = going_on(host, name, {version.id for version in versions})
    if run is not None:
        raise RunGoingOnError(
            f"schedule {name} is paused, and not deleted: its run {run.id} goes on, and would lose its pods; wait for "
            f"it (`gan-pipelines wait {run.id}`) or cancel it (`gan-pipelines cancel {run.id}`), then delete again"
        )
    for version in versions:
        host.delete(version)


def run_now(host: Host, name: str, patience: HandoverTimeouts) -> str:
    """Begin a run of a schedule, paused or not, and give its id.

    Raises:
        NotFoundError: there is no such schedule.
        RunGoingOnError: a run of it goes on.
    """
    versions = find(host, name, patience)
    run = going_on(host, name, {BY_HAND, *(version.id for version in versions)})
    if run is not None:
        raise RunGoingOnError(
            f"a run of schedule {name} goes on, {run.id}, and one at a time is allowed; wait for it "
            f"(`gan-pipelines wait {run.id}`) or cancel it (`gan-pipelines cancel {run.id}`)"
        )
    return host.run(versions[-1], f"{name}-now-{host.now().astimezone(dt.UTC):%Y%m%d-%H%M%S}")


def going_on(host: Host, name: str, versions: set[str]) -> ScheduledRun | None:
    """A run of some versions of a schedule that has not ended, if there is one.

    Of versions that are gone the pods are gone as well, though the backend calls their runs RUNNING for ever.
    """
    return next((run for run in host.runs(name) if run.going_on and run.version in versions), None)
