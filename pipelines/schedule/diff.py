"""The difference between a schedule's file and the host's version."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.schedule.plan import Plan
from pipelines.schedule.version import ScheduleVersion


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
