"""`gan-pipelines cancel` and `retry`."""

from __future__ import annotations

from argparse import Namespace

from gan.cli.parser import Add
from gan.cli.shown import Shown
from gan.steps.outcome import Stopwatch
from gan.types import Json
from pipelines.commands.flags import add_run, connected, kubernetes


def add(add: Add) -> None:
    """Put the commands into the parser."""
    made = add("cancel", "stop a run; training saves a checkpoint first, and no pod, Job or JobSet is left")
    add_run(made)
    made.set_defaults(do=cancel)
    made = add("retry", "repeat what failed of a run; what is done stays, and training goes on from its checkpoint")
    add_run(made)
    made.set_defaults(do=retry)


def cancel(arguments: Namespace) -> Shown:
    """Stop a run."""
    from pipelines.client import control, runs

    watch = Stopwatch()
    with connected(arguments) as connection:
        cluster, why = kubernetes(connection.namespace)
        run = runs.find(connection, arguments.run)
        ended_before = run.state in runs.ENDED
        done = control.cancel(connection, cluster, run)
    left = f"its pods stay until somebody deletes them ({why})" if done.deleted is None else f"deleted: {done.deleted}"
    how = f"had ended before ({done.run.state})" if ended_before else f"is {done.run.state}"
    return Shown(f"{done.run.display_name} {how}; {left}", _record(done.run, watch, deleted=done.deleted))


def retry(arguments: Namespace) -> Shown:
    """Repeat what failed of a run."""
    from pipelines.client import control, runs

    watch = Stopwatch()
    with connected(arguments) as connection:
        run = control.retry(connection, runs.find(connection, arguments.run))
    return Shown(str(run.run_id), _record(run, watch))


def _record(run: object, watch: Stopwatch, **more: object) -> Json:
    found = {name: getattr(run, name) for name in ("run_id", "display_name", "state")}
    return {"id": found["run_id"], "uri": "", "seconds": watch.seconds(), "name": found["display_name"]} | {
        "state": found["state"],
        **more,
    }
