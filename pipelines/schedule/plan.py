"""What the host is to be told of a schedule: everything resolved, compiled and pinned, nothing left to find out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gan.errors import ConfigError
from gan.ids import sha256
from pipelines.client.submit import Job, prepare
from pipelines.schedule.cron import Cron
from pipelines.schedule.file import Schedule

MARK = "gan-pipelines: "


@dataclass(frozen=True)
class Plan:
    """One schedule as the host will hold it: runs of `job` that begin when they are `due`."""

    name: str
    due: Cron
    job: Job

    def mark(self, *, generation: int, enable: bool) -> str:
        """What a recurring run's description says: a sentence for people, and a line for us.

        Args:
            generation: the first version of a schedule is 1, and each that replaces it is one more.
            enable: whether it is to run once the versions before it are out of the way.
        """
        line = {
            "schedule": self.name,
            "generation": generation,
            "enable": enable,
            "time_zone": self.due.zone,
            "pipeline": self.job.pipeline,
            "pipeline_sha256": sha256(self.job.text.encode()),
            "image": self.job.image,
            "profile": self.job.profile.name,
        }
        about = f"Kept by `gan-pipelines schedule`; due at {self.due.text} in {self.due.zone}."
        return f"{about}\n{MARK}{json.dumps(line)}"


def read_mark(description: str | None) -> dict[str, Any] | None:
    """What `Plan.mark` wrote; None where a recurring run is not ours."""
    _, found, line = (description or "").rpartition(MARK)
    try:
        tree = json.loads(line) if found else None
    except ValueError:
        return None
    return tree if isinstance(tree, dict) and "schedule" in tree else None


def make_plan(schedule: Schedule, zone: str) -> Plan:
    """Resolve, check and compile a schedule.

    Args:
        schedule: as its file says.
        zone: the time zone that the host's controller reads cron in.

    Raises:
        ConfigError: a config, profile, pipeline, image, store or the time zone is wrong.
        NotFoundError: there is no such config or profile.
    """
    from pipelines.profiles import load_profile
    from pipelines.request import resolve

    if zone != schedule.time_zone:
        raise ConfigError(
            f"schedule {schedule.name}: time_zone is {schedule.time_zone}, but the host reads every cron in {zone}; "
            f"write time_zone: {zone} and a cron that means the same there, or set CRON_SCHEDULE_TIMEZONE="
            f"{schedule.time_zone} in the deployment ml-pipeline-scheduledworkflow, which moves every schedule there"
        )
    request = resolve(schedule.config, schedule.set, store=schedule.store, name=schedule.promote_as)
    job = prepare(
        schedule.pipeline, request, load_profile(schedule.profile), schedule.image, allow_tag=schedule.allow_tag
    )
    return Plan(schedule.name, schedule.due, job)
