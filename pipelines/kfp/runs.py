"""Runs on the backend: found by id or name, and how they ended.

The backend of 2.14 calls a terminated run FAILED; its workflow shows the termination, as that sets the deadline to
zero.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from gan.errors import EXIT_RUN_CANCELED, EXIT_RUN_FAILED, EXIT_RUN_UNFINISHED, ClusterError, ConfigError, NotFoundError
from pipelines.kfp.api_errors import UnsureError
from pipelines.kfp.connection import Connection
from pipelines.kfp.pagination import pages
from pipelines.kfp.upload import equals
from pipelines.kubernetes import workflow

PENDING, SUCCEEDED, FAILED, CANCELED, CANCELING = "PENDING", "SUCCEEDED", "FAILED", "CANCELED", "CANCELING"
ENDED = (SUCCEEDED, "SKIPPED", FAILED, CANCELED)
EXIT_CODES = {SUCCEEDED: 0, "SKIPPED": 0, FAILED: EXIT_RUN_FAILED, CANCELED: EXIT_RUN_CANCELED}
MAX_SEARCHED = 1000
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def get(connection: Connection, run_id: str, **named: Any) -> Any:
    """A run by its id, with its true state.

    Raises:
        NotFoundError: there is none.
        ClusterError: the backend can't be reached, or refuses.
    """
    return with_true_state(connection, connection.call(connection.runs.run_service_get_run, run_id, **named))


def with_true_state(connection: Connection, run: Any) -> Any:
    """The same run with its true state.

    That is CANCELED for a terminated run that the backend calls FAILED, and PENDING where the backend has none yet.
    """
    run.state = run.state or PENDING
    if run.state == FAILED and was_canceled(connection, run):
        run.state = CANCELED
    return run


def create(connection: Connection, run: Any) -> Any:
    """Start a run with a unique name, exactly once, even if the answer to the first request is lost.

    Raises:
        ClusterError: the backend can't be reached, or refuses. No run was started, or the message says that one may be.
    """
    method = connection.runs.run_service_create_run
    try:
        return connection.call(method, run, repeatable=False)
    except UnsureError:
        of_name = {"experiment_id": run.experiment_id, "filter": equals("name", run.display_name)}
        found = connection.call(connection.runs.run_service_list_runs, **of_name).runs
        return found[0] if found else connection.call(method, run, repeatable=False)


def latest(connection: Connection) -> Any:
    """The newest run.

    Raises:
        NotFoundError: there is none.
        ClusterError: the backend can't be reached, or refuses.
    """
    found = next(newest(connection, 1), None)
    if found is None:
        raise NotFoundError(f"{connection.host} has no runs yet; `gan-pipelines submit` starts one")
    return get(connection, found.run_id)


def find(connection: Connection, text: str) -> Any:
    """The run with this id or name, or the only one whose id or name begins with it.

    Raises:
        NotFoundError: there is none.
        ConfigError: several begin with it.
        ClusterError: the backend can't be reached, or refuses.
    """
    if not text.strip():
        raise ConfigError("RUN is empty; give a run's id, its name, or the beginning of either (`gan-pipelines list`)")
    if _ID.fullmatch(text):
        return get(connection, text)
    found = [run for run in newest(connection, MAX_SEARCHED) if run.run_id.startswith(text) or _named(run, text)]
    exact = [run for run in found if run.display_name == text]
    if len(exact or found) == 1:
        return get(connection, (exact or found)[0].run_id)
    if not found:
        raise NotFoundError(f'no run\'s id or name begins with "{text}"; see `gan-pipelines list`')
    some = ", ".join(run.display_name for run in found[:5]) + (", ..." if len(found) > 5 else "")
    raise ConfigError(f'"{text}" matches {len(found)} runs ({some}); give more of the name, or the id')


def newest(connection: Connection, limit: int) -> Iterator[Any]:
    """At most `limit` runs of the namespace, newest first."""
    found = pages(connection, connection.runs.run_service_list_runs, page_size=limit, sort_by="created_at desc")
    yield from islice((run for page in found for run in page.runs or []), limit)


def exit_code(state: str) -> int:
    """The exit code of a command that waited for a run in this state."""
    return EXIT_CODES.get(state, EXIT_RUN_UNFINISHED)


def was_canceled(connection: Connection, run: Any) -> bool:
    """Whether a run reported as failed was terminated; False also where that is unknown."""
    history = [str(each.state) for each in run.state_history or []]
    if CANCELING in history[-2:] or CANCELED in history[-2:]:
        return True
    return workflow.was_terminated(stored_workflow(connection, run.run_id))


def stored_workflow(connection: Connection, run_id: str) -> dict[str, Any]:
    """The workflow of a run as Kubeflow's API server stores it; empty where it gives none."""
    try:
        found = connection.get(f"/apis/v1beta1/runs/{run_id}")
        tree = json.loads(found["pipeline_runtime"]["workflow_manifest"])
    except (NotFoundError, ClusterError, ValueError, KeyError, TypeError):
        return {}  # this old API may be gone
    return tree if isinstance(tree, dict) else {}


def _named(run: Any, text: str) -> bool:
    return str(run.display_name or "").startswith(text)
