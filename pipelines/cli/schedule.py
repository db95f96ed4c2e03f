"""`gan-pipelines schedule`: recurring runs, written as YAML and kept in git."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gan.cli.output import CommandOutput
from gan.cli.parser import Add, Parser, add_commands
from gan.types import Json
from pipelines.cli.flags import add_address, connected

if TYPE_CHECKING:
    from pipelines.schedule.host import Host
    from pipelines.schedule.version import Plan, ScheduleVersion

T = TypeVar("T")


def add(add: Add) -> None:
    """Put the commands into the parser."""
    inner = add_commands(add("schedule", "manage recurring runs: schedules as YAML, kept in git"))
    for name, do, about in (
        ("apply", apply, "create or change the host's schedules as a file says; deletes none"),
        ("diff", diff, "show how the host's schedules differ from those of a file"),
    ):
        parser = inner(name, about)
        parser.add_argument("file", metavar="FILE.yaml", help="has `schedules:` with a list of them")
        parser.add_argument(
            "--controller-zone",
            metavar="ZONE",
            help="the time zone of the host's cron, if no kubeconfig can tell",
        )
        _finish(parser, do)
    _finish(inner("list", "list the host's schedules: when each is due, what it runs, how its last run went"), show)
    for name, do, about in (
        ("pause", pause, "stop a schedule from starting runs; a run that is in progress continues"),
        ("resume", resume, "let a schedule start runs again; runs missed during the pause are not made up for"),
        (
            "delete",
            delete,
            "delete a schedule (exit code 19: one of its runs is in progress, so it is only paused)",
        ),
        ("run-now", run_now, "start a run of a schedule now (exit code 19: one is in progress); prints its id"),
    ):
        parser = inner(name, about)
        parser.add_argument("name", metavar="NAME", help="the schedule")
        _finish(parser, do)


def _finish(parser: Parser, do: Callable[[Namespace], CommandOutput]) -> None:
    add_address(parser)
    parser.set_defaults(do=do)


def apply(arguments: Namespace) -> CommandOutput:
    """Make the schedules of a file."""
    from pipelines.schedule.handover import complete_handover, replace

    def one(host: Host, plan: Plan) -> _Applied:
        versions = complete_handover(host, plan.name)
        changes = _difference(host, plan, versions)
        if not changes:
            return _Applied("unchanged", notes=[versions[-1].account_warning])
        made = replace(host, plan)
        before = [version for version in host.versions(plan.name) if version.id != made.id]
        in_progress = "a run of the version before is in progress; one that is due before it ends runs at the same time"
        notes = [in_progress if before else "", "" if made.enabled else "it is paused", made.account_warning]
        return _Applied("changed" if versions else "made", changes, notes)

    return _each(arguments, one)


def diff(arguments: Namespace) -> CommandOutput:
    """What `apply` would change."""

    def one(host: Host, plan: Plan) -> _Applied:
        versions = host.versions(plan.name)
        changes = _difference(host, plan, versions)
        return _Applied("differs" if changes and versions else "new" if changes else "unchanged", changes)

    return _each(arguments, one)


def _difference(host: Host, plan: Plan, versions: list[ScheduleVersion]) -> str:
    from pipelines.schedule.version import difference

    newest = versions[-1] if versions else None
    return difference(plan, newest, host.about(newest) if newest else "")


@dataclass(frozen=True)
class _Applied:
    """What happened to one schedule of a file, how it differed from the host's, and notes."""

    state: str
    diff: str = ""
    notes: list[str] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        return ["; ".join([f"{name}: {self.state}", *filter(None, self.notes)]), *self.diff.splitlines()]

    def to_json(self) -> Json:
        return {"state": self.state, "diff": self.diff, "notes": [*filter(None, self.notes)]}


def _each(arguments: Namespace, one: Callable[[Host, Plan], _Applied]) -> CommandOutput:
    """Apply `one` to each schedule; all plans are made and checked before the host is called."""
    from pipelines.schedule.file import load_schedules
    from pipelines.schedule.host import Host
    from pipelines.schedule.time_zone import controller_zone
    from pipelines.schedule.version import check_zone, make_plan

    schedules = load_schedules(Path(arguments.file))
    plans = [make_plan(schedule) for schedule in schedules]
    with connected(arguments) as connection:
        zone = controller_zone(connection.namespace, arguments.controller_zone)
        for schedule in schedules:
            check_zone(schedule, zone)
        host = Host(connection)
        applied = {plan.name: one(host, plan) for plan in plans}
        others = sorted({version.name for version in host.versions()} - set(applied))
    lines = [f"time zone of the host: {zone.name} ({zone.source})"]
    for name, each in applied.items():
        lines += each.lines(name)
    lines += [f"{name}: not in {arguments.file}; `gan-pipelines schedule delete {name}` deletes it" for name in others]
    record: Json = {
        "id": "schedules",
        "uri": arguments.file,
        "time_zone": zone.name,
        "schedules": {name: each.to_json() for name, each in applied.items()},
        "not_in_file": others,
    }
    return CommandOutput("\n".join(lines), record)


def show(arguments: Namespace) -> CommandOutput:
    """The host's schedules."""
    from pipelines.schedule.control import listing
    from pipelines.schedule.host import Host

    with connected(arguments) as connection:
        rows = listing(Host(connection))
    lines = [row.line() for row in rows] or ["there are no schedules; `gan-pipelines schedule apply FILE` creates them"]
    schedules = [asdict(row) for row in rows]
    return CommandOutput("\n".join(lines), {"id": "schedules", "uri": "", "schedules": schedules})


def pause(arguments: Namespace) -> CommandOutput:
    """Pause a schedule."""
    from pipelines.schedule import control

    return _controlled(arguments, control.pause, lambda changed: "paused" if changed else "paused already")


def resume(arguments: Namespace) -> CommandOutput:
    """Resume a schedule."""
    from pipelines.schedule import control

    return _controlled(arguments, control.resume, lambda changed: "resumed" if changed else "not paused")


def delete(arguments: Namespace) -> CommandOutput:
    """Delete a schedule."""
    from pipelines.schedule import control

    return _controlled(arguments, control.delete, lambda _: "deleted")


def run_now(arguments: Namespace) -> CommandOutput:
    """Start a run."""
    from pipelines.schedule import control

    run_id = _of_host(arguments, control.run_now)
    return CommandOutput(run_id, {"id": arguments.name, "uri": "", "did": "begun", "run": run_id})


def _controlled(arguments: Namespace, do: Callable[[Host, str], T], word: Callable[[T], str]) -> CommandOutput:
    did = word(_of_host(arguments, do))
    record: Json = {"id": arguments.name, "uri": "", "did": did}
    return CommandOutput(f"{arguments.name}: {did}", record)


def _of_host(arguments: Namespace, do: Callable[[Host, str], T]) -> T:
    from pipelines.schedule.host import Host

    with connected(arguments) as connection:
        return do(Host(connection), arguments.name)
