"""What a user does with the schedules of a host: pause, resume, delete, run now, list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from gan.errors import EXIT_RUN_UNFINISHED, GanError, NotFoundError, unknown_name
from pipelines.schedule.handover import complete_handover, last_triggered, renew
from pipelines.schedule.host import Host
from pipelines.schedule.version import ScheduledRun, ScheduleVersion

BY_HAND = ""
"""The version of runs that `run-now` started."""


class UnfinishedRunError(GanError):
    """A run of the schedule has not ended."""

    exit_code = EXIT_RUN_UNFINISHED


def find(host: Host, name: str) -> list[ScheduleVersion]:
    """The versions of a schedule, the current one last; an unfinished handover is completed first.

    Raises:
        NotFoundError: there is no such schedule.
    """
    versions = complete_handover(host, name)
    if versions:
        return versions
    known = sorted({version.name for version in host.versions()})
    raise NotFoundError(unknown_name("schedule", name, known, "`gan-pipelines schedule apply FILE` creates it"))


def pause(host: Host, name: str) -> bool:
    """Start no further runs; a running one continues. Returns whether that changed anything.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name)
    if not newest.enabled:
        return False
    if older:  # disabling it next to older versions would look like an interrupted handover
        renew(host, newest, enable=False)
    else:
        host.switch(newest, on=False)
    return True


def resume(host: Host, name: str) -> bool:
    """Start runs again from now on. Returns whether that changed anything.

    Enabling the old version would at once start a run that was due during the pause; a new version replaces it then.

    Raises:
        NotFoundError: there is no such schedule.
    """
    *older, newest = find(host, name)
    if newest.enabled:
        return False
    if older or newest.due.last(last_triggered(host, newest), host.now()) is not None:
        renew(host, newest, enable=True)
    else:
        host.switch(newest, on=True)
    return True


def delete(host: Host, name: str) -> None:
    """Pause a schedule and delete it.

    Raises:
        NotFoundError: there is no such schedule.
        UnfinishedRunError: Kubernetes would delete the pods of an unfinished run with it; the schedule is only paused.
    """
    pause(host, name)
    versions = find(host, name)
    run = unfinished_run(host, name, {version.id for version in versions})
    if run is not None:
        raise UnfinishedRunError(
            f"schedule {name} is paused, but not deleted: its run {run.id} has not ended, and would lose its pods; "
            f"wait for it (`gan-pipelines wait {run.id}`) or cancel it (`gan-pipelines cancel {run.id}`), then delete "
            "again"
        )
    for version in versions:
        host.delete(version)


def run_now(host: Host, name: str) -> str:
    """Start a run of a schedule, paused or not, and return its id.

    Raises:
        NotFoundError: there is no such schedule.
        UnfinishedRunError: another run of it has not ended.
    """
    versions = find(host, name)
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


@dataclass(frozen=True)
class Row:
    """One schedule. `next` and `last` are in ISO 8601, UTC; None where there is none."""

    name: str
    state: str
    cron: str
    time_zone: str
    next: str | None
    runs: str
    last: str | None
    last_run: str | None
    last_state: str | None
    note: str

    def line(self) -> str:
        """For people."""
        last = f"last {self.last} {self.last_state} {self.last_run}" if self.last_run else "never ran"
        following = f"next {self.next}" if self.next else "next when it is on"
        due = f'"{self.cron}" in {self.time_zone}'
        return "  ".join([self.name, self.state, due, following, last, self.runs, *([self.note] if self.note else [])])


def listing(host: Host) -> list[Row]:
    """Every schedule, by name."""
    versions = host.versions()
    names = sorted({version.name for version in versions})
    return [_row(host, [version for version in versions if version.name == name]) for name in names]


def _row(host: Host, versions: list[ScheduleVersion]) -> Row:
    *older, newest = versions
    runs = host.runs(newest.name)
    last = runs[0] if runs else None
    on = next((version for version in versions if version.enabled), None)
    following = on.due.next(host.now()) if on else None
    half_done = newest.info.enable != newest.enabled or any(version.enabled for version in older)
    interrupted = bool(older) and half_done
    note = "a change was interrupted; any `schedule` command that changes it completes it" if interrupted else ""
    if older and not interrupted:
        note = f"{len(older)} older version(s), until their runs end"
    return Row(
        name=newest.name,
        state="on" if newest.enabled else "changing" if interrupted else "paused",
        cron=newest.cron,
        time_zone=newest.info.time_zone,
        next=_iso(following),
        runs=host.about(newest),
        last=_iso(last.scheduled_at) if last else None,
        last_run=last.id if last else None,
        last_state=host.state_of(last) if last else None,
        note="; ".join(filter(None, [note, newest.account_warning])),
    )


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
