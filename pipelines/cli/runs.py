"""`gan-pipelines status`, `list`, `logs`, `wait`, `cancel` and `retry`: what a user does with runs on Kubeflow."""

from __future__ import annotations

import dataclasses
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from components.registry import STEPS
from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.errors import ClusterError, ConfigError, Stopped, unknown_name
from gan.types import Json
from gan.util import log
from pipelines.cli.flags import add_address, add_run, connected, kubernetes, kubernetes_if_any

if TYPE_CHECKING:
    from pipelines.kfp.connection import Connection
    from pipelines.kfp.status import RunStatus, StepStatus
    from pipelines.kubernetes.cleanup import Deleted


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

    repeating = " and ".join(name for name, spec in STEPS.items() if spec.repeats)
    parser = add("logs", "print the log of a step, of all its attempts; -f: until the step has ended")
    parser.add_argument("--step", required=True, metavar="STEP", help="the step, such as train")
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help=f"continue until the step has ended; {repeating}: until the run has",
    )
    add_run(parser)
    parser.set_defaults(do=logs)

    parser = add(
        "wait", "wait until a run has ended (exit code 0 succeeded, 17 failed, 18 canceled, 19 still in progress)"
    )
    parser.add_argument(
        "--timeout", metavar="DURATION", help="how long at most, such as 90s, 30m or 12h (default: no limit)"
    )
    add_run(parser)
    parser.set_defaults(do=wait)

    parser = add("cancel", "stop a run; training saves a checkpoint first, and no pod, Job or JobSet is left")
    add_run(parser)
    parser.set_defaults(do=cancel)

    parser = add("retry", "run the failed steps of a run again; training continues from its checkpoint")
    add_run(parser)
    parser.set_defaults(do=retry)


def status(arguments: Namespace) -> CommandOutput:
    """Show one run, by default the newest. The exit code says how it ended; 19: it is still in progress."""
    from pipelines.kfp import runs

    with connected(arguments) as connection:
        run = runs.find(connection, arguments.run) if arguments.run is not None else runs.latest(connection)
        return status_output(connection, run)


def status_output(connection: Connection, run: Any) -> CommandOutput:
    """A run as `status` and `wait` show it."""
    from pipelines.kfp import runs
    from pipelines.kfp.status import read_status

    found = read_status(connection, run, *kubernetes_if_any(connection.namespace))
    record: Json = {**dataclasses.asdict(found), "uri": connection.run_url(found.id), "run_seconds": found.seconds}
    del record["seconds"]  # how long the command takes has that name
    return CommandOutput(text(found), record, runs.exit_code(found.state))


def newest(arguments: Namespace) -> CommandOutput:
    """List runs, one a line."""
    from gan.util.formatting import format_duration
    from pipelines.kfp import runs
    from pipelines.kubernetes.times import seconds_between

    if arguments.limit < 1:
        raise ConfigError(f"--limit must be 1 or more; got {arguments.limit}")
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
        record: Json = {"id": "runs", "uri": connection.host, "runs": rows}
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


def logs(arguments: Namespace) -> CommandOutput:
    """Print the lines as they come; with --json they are counted, and printed on stderr."""
    from pipelines.kfp import logs as client
    from pipelines.kfp import runs

    if arguments.step not in STEPS:
        raise ConfigError(unknown_name("step", arguments.step, STEPS))
    count = 0
    stream = sys.stderr if arguments.json else sys.stdout
    with connected(arguments) as connection:
        run_id = str(runs.find(connection, arguments.run).run_id)
        cluster, why = kubernetes(connection.namespace)
        if cluster is None:
            raise ClusterError(f"logs are read from pods, which can't be reached: {why}")
        if arguments.follow:
            lines = client.followed(connection, cluster, run_id, arguments.step)
        else:
            lines = client.lines(cluster, run_id, arguments.step)
        for line in lines:
            log.write_line(line, stream)
            count += 1
        page = connection.run_url(run_id)
    record = {"id": run_id, "uri": page, "step": arguments.step, "lines": count}
    return CommandOutput("", record)


def wait(arguments: Namespace) -> CommandOutput:
    """Wait for a run."""
    from gan.util.formatting import parse_duration
    from pipelines.kfp.runs import find

    timeout = None if arguments.timeout is None else parse_duration(arguments.timeout, "--timeout")
    with connected(arguments) as connection:
        return wait_for_run(connection, str(find(connection, arguments.run).run_id), timeout)


def wait_for_run(connection: Connection, run_id: str, timeout_seconds: float | None) -> CommandOutput:
    """The run as `status` shows it, once it has ended or the time is over; changes of its state are logged.

    Raises:
        Stopped: by SIGTERM or Ctrl-C, which do not stop the run.
    """
    from pipelines.kfp.wait import wait_until_ended

    try:
        run = wait_until_ended(connection, run_id, timeout_seconds, on_poll=report_state_changes())
    except (Stopped, KeyboardInterrupt) as stopped:
        number = signal.SIGINT if isinstance(stopped, KeyboardInterrupt) else stopped.signal_number
        advice = (
            f"The run continues: `gan-pipelines wait {run_id}` waits for it, `gan-pipelines cancel {run_id}` stops it"
        )
        raise Stopped(number, advice) from None
    return status_output(connection, run)


def report_state_changes() -> Callable[[Any], None]:
    """A function that logs a run's state whenever it has changed."""
    states: list[str] = []

    def report(run: Any) -> None:
        if run.state not in states[-1:]:
            states.append(run.state)
            log.info(f"run {run.state.lower()}", id=run.run_id, name=run.display_name)

    return report


def cancel(arguments: Namespace) -> CommandOutput:
    """Stop a run."""
    from pipelines.kfp import cancel_retry, runs
    from pipelines.kubernetes.graceful_stop import runs_elsewhere

    with connected(arguments) as connection:
        cluster, why = kubernetes(connection.namespace)
        run = runs.find(connection, arguments.run)
        ended_before = run.state in runs.ENDED
        if cluster is not None and not ended_before and runs_elsewhere(cluster, run.run_id):
            where = f"the namespace {cluster.namespace} of {cluster.host} has no workflow of it"
            cluster, why = None, f"{where}; give the --namespace of its pods, or the KUBECONFIG of Kubeflow's cluster"
        done = cancel_retry.cancel(connection, cluster, run, on_poll=report_state_changes())
    deleted = done.deleted
    pods = f"its pods stay until somebody deletes them ({why})"
    if deleted is not None:
        pods = _deleted(deleted, connection.namespace)
    state = f"had ended before ({done.run.state})" if ended_before else f"is {done.run.state}"
    more = {"deleted": deleted and deleted.count, "unseen": list(deleted.not_listed) if deleted else []}
    return CommandOutput(f"{done.run.display_name} {state}; {pods}", _record(connection, done.run, **more))


def retry(arguments: Namespace) -> CommandOutput:
    """Run the failed steps of a run again."""
    from pipelines.kfp import cancel_retry, runs

    with connected(arguments) as connection:
        run = cancel_retry.retry(connection, runs.find(connection, arguments.run))
    return CommandOutput(str(run.run_id), _record(connection, run))


def _deleted(deleted: Deleted, namespace: str) -> str:
    if not deleted.not_listed:
        return f"nothing of it is left in the cluster (pods, Jobs and JobSets deleted: {deleted.count})"
    kinds = " and ".join(deleted.not_listed)
    return (
        f"deleted {deleted.count} objects. No permission to list {kinds} in {namespace}; ask for list and delete on "
        f"{kinds}, then run the command again"
    )


def _record(connection: Connection, run: Any, **more: object) -> Json:
    return {
        "id": run.run_id,
        "uri": connection.run_url(run.run_id),
        "name": run.display_name,
        "state": run.state,
        **more,
    }
