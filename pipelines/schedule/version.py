"""A schedule resolved, compiled and with its image pinned; its versions on the backend, and the runs they started."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import yaml

from gan.errors import ConfigError, NotFoundError
from pipelines.kfp import runs
from pipelines.kfp.submit import PreparedRun, prepare
from pipelines.kfp.upload import version_name
from pipelines.schedule.cron import Cron
from pipelines.schedule.file import Schedule
from pipelines.schedule.time_zone import CONTROLLER, VARIABLE, TimeZone

PREFIX = "Kept by `gan-pipelines schedule`: "
MAX_DESCRIPTION_LENGTH = 255
"""Given more, the backend fails, and leaves a schedule that it no longer lists."""
DEFAULT_ACCOUNT = "DEFAULTPIPELINERUNNERSERVICEACCOUNT"


@dataclass(frozen=True)
class VersionInfo:
    """What we store in the description of a recurring run.

    `generation` is 1 for the first version of a schedule, one more for each that replaces it. `enable`: it should be
    enabled once older versions are disabled. `content` names the pipeline and the hash of its YAML. `account` is the
    service account for its runs, which some backends ignore.
    """

    generation: int
    enable: bool
    time_zone: str
    content: str
    account: str

    def text(self) -> str:
        """The description.

        Raises:
            ConfigError: it would be longer than the backend takes.
        """
        made = f"{PREFIX}{json.dumps(asdict(self))}"
        if len(made) > MAX_DESCRIPTION_LENGTH:
            raise ConfigError(
                f"the names of pipeline, time zone and service account are too long for a schedule: {self.content}, "
                f"{self.time_zone}, {self.account}; shorten one"
            )
        return made


@dataclass(frozen=True)
class Plan:
    """One schedule as the host will hold it: runs of `job` at the times of `due`."""

    name: str
    due: Cron
    job: PreparedRun

    def version_info(self, *, generation: int, enable: bool) -> VersionInfo:
        """The description of a version of this schedule."""
        content = version_name(self.job.pipeline, self.job.text)
        return VersionInfo(generation, enable, self.due.zone, content, self.job.profile.service_account)


def read_version_info(description: str | None) -> VersionInfo | None:
    """What `VersionInfo.text` wrote; None if this project did not make the recurring run."""
    _, ours, line = (description or "").partition(PREFIX)
    try:
        tree = json.loads(line) if ours else None
        return VersionInfo(**{item.name: tree[item.name] for item in fields(VersionInfo)}) if tree else None
    except (ValueError, TypeError, KeyError):
        return None


def check_zone(schedule: Schedule, zone: TimeZone) -> None:
    """Check that a schedule has the time zone in which the host's controller reads cron.

    Raises:
        ConfigError: it is not.
    """
    if zone.name != schedule.time_zone:
        raise ConfigError(
            f"schedule {schedule.name}: time_zone is {schedule.time_zone}, but the host reads every cron in "
            f"{zone.name} ({zone.source}); write time_zone: {zone.name} and a cron that means the same there, or set "
            f"{VARIABLE}={schedule.time_zone} in the deployment {CONTROLLER}, which moves every schedule there"
        )


def make_plan(schedule: Schedule) -> Plan:
    """Resolve, check and compile a schedule.

    Raises:
        ConfigError: a config, profile, pipeline, image or store is wrong.
        NotFoundError: there is no such config or profile.
    """
    from pipelines.profiles.profile import load_profile
    from pipelines.request import resolve

    try:
        request = resolve(schedule.config, schedule.set, store=schedule.store, name=schedule.promote_as)
        profile = load_profile(schedule.profile)
        job = prepare(schedule.pipeline, request, profile, schedule.image, allow_tag=schedule.allow_tag)
    except (ConfigError, NotFoundError) as error:
        raise type(error)(f"schedule {schedule.name}: {error}") from None
    return Plan(schedule.name, schedule.due, job)


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


def difference(plan: Plan, version: ScheduleVersion | None, about: str) -> str:
    """A unified diff from the host to the file; empty where they agree.

    Args:
        plan: from the file.
        version: from the host; None where it has no such schedule.
        about: `Host.about` of that version.
    """
    old = _text(_of_version(version, about)).splitlines() if version is not None else []
    names = f"{plan.name} (host)", f"{plan.name} (file)"
    return "\n".join(difflib.unified_diff(old, _text(_of_plan(plan)).splitlines(), *names, n=1, lineterm=""))


def _of_plan(plan: Plan) -> dict[str, Any]:
    return {
        "cron": plan.due.text,
        "time_zone": plan.due.zone,
        "runs": plan.job.about,
        "pipeline_version": plan.version_info(generation=0, enable=True).content,
        "service_account": plan.job.profile.service_account,
        "parameters": _parsed(plan.job.parameters),
    }


def _of_version(version: ScheduleVersion, about: str) -> dict[str, Any]:
    return {
        "cron": version.cron,
        "time_zone": version.info.time_zone,
        "runs": about,
        "pipeline_version": version.info.content,
        "service_account": version.info.account,
        "parameters": _parsed(version.parameters),
    }


def _parsed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the config's YAML as a tree, so that a changed key is one line."""
    return {name: yaml.safe_load(value) if name == "config" else value for name, value in parameters.items()}


def _text(tree: dict[str, Any]) -> str:
    return yaml.safe_dump(tree, sort_keys=True, allow_unicode=True, width=1000)
