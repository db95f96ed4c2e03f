"""The host's schedules: what each runs, when it is due next, and how its last run ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from gan.types import Json
from pipelines.schedule.host import Host
from pipelines.schedule.version import ScheduledRun, ScheduleVersion


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

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


def listing(host: Host) -> list[Row]:
    """Every schedule, by name."""
    versions = host.versions()
    names = sorted({version.name for version in versions})
    return [_row(host, [version for version in versions if version.name == name]) for name in names]


def _row(host: Host, versions: list[ScheduleVersion]) -> Row:
    *older, newest = versions
    runs = host.runs(newest.name)
    last: ScheduledRun | None = runs[0] if runs else None
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
