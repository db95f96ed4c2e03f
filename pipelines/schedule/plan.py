"""A schedule as it will be sent to the host: resolved, compiled, and with its image pinned."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from gan.errors import ConfigError, NotFoundError
from pipelines.kfp.submit import PreparedRun, prepare
from pipelines.kfp.upload import version_name
from pipelines.schedule.cron import Cron
from pipelines.schedule.file import Schedule
from pipelines.schedule.time_zone import CONTROLLER, VARIABLE, TimeZone

PREFIX = "Kept by `gan-pipelines schedule`: "
MAX_DESCRIPTION_LENGTH = 255
"""Given more, the backend fails, and leaves a schedule that it no longer lists."""


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
