"""`gan-pipelines status` and `list`: the state of runs."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from components.registry import STEPS
from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.errors import ConfigError
from gan.result import Stopwatch
from gan.types import Json
from pipelines.cli.flags import add_address, add_run, connected, kubernetes_if_any

if TYPE_CHECKING:
    from pipelines.kfp.connection import Connection
    from pipelines.kfp.status import RunStatus, StepStatus


def add(add: Add) -> None:
    """Put the commands into the parser."""
    parser = add(
        "status",
        "show a run: steps, nodes, attempts, times, why a step waits or failed, scores (exit codes as of wait)",
    )
    add_run(parser, optional=True)
    parser.set_defaults(do=status)
    parser = add("list", "list the newest runs")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default: %(default)s)")
    add_address(parser)
    parser.set_defaults(do=newest)


def status(arguments: Namespace) -> CommandOutput:
    """Show one run, by default the newest. The exit code says how it ended; 19: it is still in progress."""
    from pipelines.kfp import runs

    watch = Stopwatch()
    with connected(arguments) as connection:
        run = runs.find(connection, arguments.run) if arguments.run is not None else runs.latest(connection)
        return status_output(connection, run, watch)


def status_output(connection: Connection, run: Any, watch: Stopwatch) -> CommandOutput:
    """A run as `status` and `wait` show it."""
    from pipelines.kfp import runs
    from pipelines.kfp.status import read_status

    found = read_status(connection, run, *kubernetes_if_any(connection.namespace))
    record: Json = {
        **dataclasses.asdict(found),
        "uri": connection.run_url(found.id),
        "run_seconds": found.seconds,
        "seconds": watch.seconds(),
    }
    return CommandOutput(text(found), record, runs.exit_code(found.state))


def newest(arguments: Namespace) -> CommandOutput:
    """List runs, one a line."""
    from gan.util.formatting import format_duration
    from pipelines.kfp import runs
    from pipelines.kubernetes.times import seconds_between

    if arguments.limit < 1:
        raise ConfigError(f"--limit must be 1 or more; got {arguments.limit}")
    watch = Stopwatch()
    with connected(arguments) as connection:
        found = [runs.with_true_state(connection, run) for run in runs.newest(connection, arguments.limit)]
        rows = [
            {
                "id": run.run_id,
                "name": run.display_name,
                "state": run.state,
                "created_at": run.created_at.isoformat(),
                "run_seconds": seconds_between(run.created_at, run.finished_at if run.state in runs.ENDED else None),
                "about": run.description or "",
                "schedule_id": run.recurring_run_id,
            }
            for run in found
        ]
        record: Json = {"id": "runs", "uri": connection.host, "seconds": watch.seconds(), "runs": rows}
    lines = [
        f"{row['id']}  {row['state']:<10} {row['created_at'][:19]}  "
        f"{format_duration(row['run_seconds']):>12}  {row['name']}"
        for row in rows
    ]
    return CommandOutput("\n".join(lines) or "no runs yet", record)


def text(run: RunStatus) -> str:
    """A run for people."""
    from gan.util.formatting import format_duration

    lines = [
        f"{run.name}  {run.state}  {format_duration(run.seconds)}  ({run.about})",
        f"id {run.id}  store {run.store}",
        "",
    ]
    lines += [f"{'step':<12} {'state':<20} {'node':<20} {'tries':>5} {'time':>12}  made"]
    for step in run.steps:
        lines += _step(step)
    if not run.steps:
        lines.append("no step has begun")
    lines += _summaries(run)
    if run.error and not any(step.why and step.why in run.error for step in run.steps):
        lines += ["", f"error: {run.error}"]
    return "\n".join([*lines, *(f"note: {each}" for each in run.missing)])


def _step(step: StepStatus) -> list[str]:
    from gan.util.formatting import format_duration

    node = step.node if len(step.node) <= 20 else f"...{step.node[-17:]}"
    spent = format_duration(step.seconds)
    line = f"{step.step:<12} {step.state:<20} {node:<20} {step.tries:>5} {spent:>12}  {step.id}"
    return [line.rstrip(), *_earlier(step), *([f"    {step.why}"] if step.why else [])]


def _earlier(step: StepStatus) -> list[str]:
    """How the attempts before the last one ended, one line for all that ended alike."""
    endings: dict[str, list[int]] = {}
    for each in step.attempts[:-1]:
        how = each.state if not each.error else "the same error" if each.error == step.why else each.error
        endings.setdefault(how, []).append(each.number)
    return [f"    attempt {', '.join(map(str, numbers))}: {how}" for how, numbers in endings.items()]


def _summaries(run: RunStatus) -> list[str]:
    details = {step: (run.details.get(step) or {}).get("details") or {} for step in STEPS}
    return [line for step, spec in STEPS.items() for line in spec.summary(details[step])]
