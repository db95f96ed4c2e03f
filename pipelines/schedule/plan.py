"""What the host is to be told of a schedule: everything resolved, compiled and pinned, nothing left to find out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from gan.errors import ConfigError, NotFoundError
from pipelines.kfp.submit import PreparedRun, prepare
from pipelines.kfp.upload import version_name
from pipelines.schedule.cron import Cron
from pipelines.schedule.file import Schedule
from pipelines.schedule.time_zone import CONTROLLER, VARIABLE, TimeZone

MARK = "Kept by `gan-pipelines schedule`: "
MOST_LETTERS = 255
"""Of a description; the backend's answer to more is an error, and a schedule that it knows nothing of any more."""


@dataclass(frozen=True)
class VersionInfo:
    """What the description of a recurring run says of it.

    `generation` is 1 for the first version of a schedule, one more for each that replaces it. `enable`: it is to be on
    once the versions before it are out of the way. `content` names the pipeline and the hash of its YAML. `account` is
    the service account that its runs are to have, which some backends ignore.
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
        made = f"{MARK}{json.dumps(asdict(self))}"
        if len(made) > MOST_LETTERS:
            raise ConfigError(
                f"the names of pipeline, time zone and service account are too long for a schedule: {self.content}, "
                f"{self.time_zone}, {self.account}; shorten one"
            )
        return made


@dataclass(frozen=True)
class Plan:
    """One schedule as the host will hold it: runs of `job` that begin when they are `due`."""

    name: str
    due: Cron
    job: PreparedRun

    def mark(self, *, generation: int, enable: bool) -> VersionInfo:
        """What a version of this schedule says of itself."""
        content = version_name(self.job.pipeline, self.job.text)
        return VersionInfo(generation, enable, self.due.zone, content, self.job.profile.service_account)


def read_version_info(description: str | None) -> VersionInfo | None:
    """What `VersionInfo.text` wrote; None where a recurring run is not ours."""
    _, ours, line = (description or "").partition(MARK)
    try:
        tree = json.loads(line) if ours else None
        return VersionInfo(**{item.name: tree[item.name] for item in fields(VersionInfo)}) if tree else None
    except (ValueError, TypeError, KeyError):
        return None


def check_zone(schedule: Schedule, zone: TimeZone) -> None:
    """Check that a schedule is written in the time zone that the host's controller reads cron in.

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
