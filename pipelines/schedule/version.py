"""A schedule on the backend: its versions, and the runs that they started."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pipelines.kfp import runs
from pipelines.schedule.cron import Cron
from pipelines.schedule.plan import VersionInfo, read_version_info

DEFAULT_ACCOUNT = "DEFAULTPIPELINERUNNERSERVICEACCOUNT"


@dataclass(frozen=True)
class ScheduleVersion:
    """One version of a schedule: one of our recurring runs. The highest generation is the current one.

    The first due time is after `start_time`. `found` is the backend's object.
    """

    id: str
    name: str
    info: VersionInfo
    cron: str
    enabled: bool
    start_time: dt.datetime
    found: Any

    @property
    def due(self) -> Cron:
        """Its cron expression."""
        return Cron(self.cron, self.info.time_zone)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of every run."""
        return dict((self.found.runtime_config and self.found.runtime_config.parameters) or {})

    @property
    def account_warning(self) -> str:
        """A warning where the backend ignored the service account; else empty."""
        account = self.found.service_account
        if account == self.info.account:
            return ""
        return (
            f"its runs are {account}, not {self.info.account}: backends before 2.17 ignore what a schedule says; set "
            f"{DEFAULT_ACCOUNT}={self.info.account} in the deployment ml-pipeline, delete the schedule, apply it"
        )


@dataclass(frozen=True)
class ScheduledRun:
    """A run that a schedule or `run-now` started."""

    id: str
    name: str
    state: str
    scheduled_at: dt.datetime
    version: str

    @property
    def unfinished(self) -> bool:
        """Whether it has not ended yet."""
        return self.state not in runs.ENDED


def version_of(found: Any) -> ScheduleVersion | None:
    """A version from a recurring run; None if this project did not make it."""
    info = read_version_info(found.description)
    cron = found.trigger.cron_schedule if found.trigger else None
    if info is None or cron is None:
        return None
    return ScheduleVersion(
        id=str(found.recurring_run_id),
        name=str(found.display_name),
        info=info,
        cron=" ".join(cron.cron.split()[1:]),
        enabled=found.status == "ENABLED",
        start_time=cron.start_time or found.created_at,
        found=found,
    )


def run_of(found: Any) -> ScheduledRun:
    """A run from the backend's object."""
    return ScheduledRun(
        id=str(found.run_id),
        name=str(found.display_name),
        state=found.state or runs.PENDING,
        scheduled_at=found.scheduled_at or found.created_at,
        version=found.recurring_run_id or "",
    )
