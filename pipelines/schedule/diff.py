"""How what a file says of a schedule differs from what the host holds."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.schedule.host import Version
from pipelines.schedule.plan import Plan, read_mark


def difference(plan: Plan, version: Version | None) -> str:
    """A unified diff from the host to the file; empty where they say the same."""
    old = _text(_of_version(version)) if version is not None else ""
    lines = difflib.unified_diff(
        old.splitlines(),
        _text(_of_plan(plan)).splitlines(),
        f"{plan.name} (host)",
        f"{plan.name} (file)",
        "",
        "",
        1,
        "",
    )
    return "\n".join(lines)


def _of_plan(plan: Plan) -> dict[str, Any]:
    return {
        **_told(read_mark(plan.mark(generation=0, enable=True)) or {}),
        "cron": plan.due.text,
        "service_account": plan.job.profile.service_account,
        "parameters": _opened(plan.job.parameters),
    }


def _of_version(version: Version) -> dict[str, Any]:
    return {
        **_told(version.mark),
        "cron": version.cron,
        "service_account": version.found.service_account,
        "parameters": _opened(version.parameters),
    }


def _told(mark: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mark.get(name) for name in ("time_zone", "pipeline", "pipeline_sha256", "image", "profile")}


def _opened(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with a config that is YAML in itself as a tree, so that a changed key is one line."""
    return {name: yaml.safe_load(value) if name == "config" else value for name, value in parameters.items()}


def _text(tree: dict[str, Any]) -> str:
    return yaml.safe_dump(tree, sort_keys=True, allow_unicode=True, width=1000)
