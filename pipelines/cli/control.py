"""`gan-pipelines cancel` and `retry`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.result import Stopwatch
from gan.types import Json
from pipelines.cli.flags import add_run, connected, kubernetes
from pipelines.cli.wait import report_state_changes

if TYPE_CHECKING:
    from pipelines.kfp.connection import Connection
    from pipelines.kubernetes.cleanup import Deleted


def add(add: Add) -> None:
    """Put the commands into the parser."""
    parser = add("cancel", "stop a run; training saves a checkpoint first, and no pod, Job or JobSet is left")
    add_run(parser)
    parser.set_defaults(do=cancel)
    parser = add("retry", "run the failed steps of a run again; training continues from its checkpoint")
    add_run(parser)
    parser.set_defaults(do=retry)


def cancel(arguments: Namespace) -> CommandOutput:
    """Stop a run."""
    from pipelines.kfp import cancel_retry, runs
    from pipelines.kubernetes.graceful_stop import runs_elsewhere

    watch = Stopwatch()
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
    return CommandOutput(f"{done.run.display_name} {state}; {pods}", _record(connection, done.run, watch, **more))


def retry(arguments: Namespace) -> CommandOutput:
    """Run the failed steps of a run again."""
    from pipelines.kfp import cancel_retry, runs

    watch = Stopwatch()
    with connected(arguments) as connection:
        run = cancel_retry.retry(connection, runs.find(connection, arguments.run))
    return CommandOutput(str(run.run_id), _record(connection, run, watch))


def _deleted(deleted: Deleted, namespace: str) -> str:
    if not deleted.not_listed:
        return f"nothing of it is left in the cluster (pods, Jobs and JobSets deleted: {deleted.count})"
    kinds = " and ".join(deleted.not_listed)
    return (
        f"deleted {deleted.count} objects. No permission to list {kinds} in {namespace}; ask for list and delete on "
        f"{kinds}, then run the command again"
    )


def _record(connection: Connection, run: Any, watch: Stopwatch, **more: object) -> Json:
    return {
        "id": run.run_id,
        "uri": connection.run_url(run.run_id),
        "seconds": watch.seconds(),
        "name": run.display_name,
        "state": run.state,
        **more,
    }
