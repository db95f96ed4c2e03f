"""Waits for runs, through restarts of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pipelines.kfp import runs
from pipelines.kfp.connection import Connection

POLL_INTERVAL_SECONDS = 5.0
MAX_OUTAGE_SECONDS = 1800.0


def wait_until_ended(
    connection: Connection,
    run_id: str,
    timeout_seconds: float | None,
    *,
    on_poll: Callable[[Any], object] = lambda run: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """The run, once it has ended or the timeout has passed.

    Args:
        connection: to the backend.
        run_id: the run.
        timeout_seconds: None waits without limit.
        on_poll: called with the run after each poll.
        clock: monotonic seconds.
        sleep: passes the time between two polls.

    Raises:
        NotFoundError: there is no such run.
        ClusterError: the backend did not answer for half an hour, or refuses.
    """
    deadline = None if timeout_seconds is None else clock() + timeout_seconds
    while True:
        left = MAX_OUTAGE_SECONDS if deadline is None else min(MAX_OUTAGE_SECONDS, max(deadline - clock(), 10.0))
        run = runs.get(connection, run_id, retry_seconds=left)
        on_poll(run)
        if run.state in runs.ENDED:
            return run
        pause = POLL_INTERVAL_SECONDS if deadline is None else min(POLL_INTERVAL_SECONDS, deadline - clock())
        if pause <= 0:
            return run
        sleep(pause)
