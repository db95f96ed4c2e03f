"""A schedule as the backend holds it: the versions that it has had, and the runs that they began."""

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
    """One version of a schedule: a recurring run of ours. The one of the highest generation is the schedule.

    `start_time` is the moment after which it is due for the first time. `found` is the backend's own object.
    """

    id: str
    name: str
    mark: VersionInfo
    cron: str
    enabled: bool
    start_time: dt.datetime
    found: Any

    @property
    def due(self) -> Cron:
        """When it is due."""
        return Cron(self.cron, self.mark.time_zone)

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of every run."""
        return dict((self.found.runtime_config and self.found.runtime_config.parameters) or {})

    @property
    def complaint(self) -> str:
        """What the backend made otherwise than it was told; empty where nothing."""
        account = self.found.service_account
        if account == self.mark.account:
            return ""
        return (
            f"its runs are {account}, not {self.mark.account}: backends before 2.17 ignore what a schedule says; set "
            f"{DEFAULT_ACCOUNT}={self.mark.account} in the deployment ml-pipeline, delete the schedule, apply it"
        )


@dataclass(frozen=True)
class ScheduledRun:
    """A run that a schedule began, or that `run-now` did."""

    id: str
    name: str
    state: str
    scheduled_at: dt.datetime
    version: str

    @property
    def going_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.state not in runs.ENDED


def version_of(found: Any) -> ScheduleVersion | None:
    """A version from the backend's recurring run; None where that is not ours."""
    mark = read_version_info(found.description)
    cron = found.trigger.cron_schedule if found.trigger else None
    if mark is None or cron is None:
        return None
    return ScheduleVersion(
        id=str(found.recurring_run_id),
        name=str(found.display_name),
        mark=mark,
        cron=" ".join(cron.cron.split()[1:]),
        enabled=found.status == "ENABLED",
        start_time=cron.start_time or found.created_at,
        found=found,
    )


def run_of(found: Any) -> ScheduledRun:
    """A run from the backend's."""
    return ScheduledRun(
        id=str(found.run_id),
        name=str(found.display_name),
        state=found.state or runs.PENDING,
        scheduled_at=found.scheduled_at or found.created_at,
        version=found.recurring_run_id or "",
    )
