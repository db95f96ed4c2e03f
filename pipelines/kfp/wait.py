"""Waits for runs, through restarts of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pipelines.kfp import runs
from pipelines.kfp.connection import Connection

EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 1800.0  # an API server that is gone for so long is told of


def until_ended(
    connection: Connection,
    run_id: str,
    longest_seconds: float | None,
    *,
    each: Callable[[Any], object] = lambda run: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """The run, once it has ended or the time is over.

    Args:
        connection: to the backend.
        run_id: the run.
        longest_seconds: how long to wait; None: as long as it takes.
        each: is told of the run each time that it was looked at.
        clock: monotonic seconds.
        sleep: waits for so many of them.

    Raises:
        NotFoundError: there is no such run.
        ClusterError: the backend was away for half an hour, or refuses.
    """
    until = None if longest_seconds is None else clock() + longest_seconds
    while True:
        left = PATIENCE_SECONDS if until is None else min(PATIENCE_SECONDS, max(until - clock(), 10.0))
        run = runs.get(connection, run_id, retry_seconds=left)
        each(run)
        if run.state in runs.ENDED:
            return run
        pause = EVERY_SECONDS if until is None else min(EVERY_SECONDS, until - clock())
        if pause <= 0:
            return run
        sleep(pause)
