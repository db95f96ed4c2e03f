"""Checks of Kubeflow Pipelines: it answers, accepts our credentials, and its clock is right."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

from gan.errors import GanError
from pipelines.doctor.check import DoctorCheck, InconclusiveError, run_in_order
from pipelines.doctor.store import MOST_SKEW_SECONDS
from pipelines.kfp.connection import Connection, connect
from pipelines.kfp.endpoint import Address
from pipelines.kfp.pagination import of_namespace


def examine_backend(
    address: Address, *, clock: Callable[[], float] = time.time
) -> tuple[list[DoctorCheck], str | None]:
    """Every check of the API at `address`, and its version, None where it gives none.

    Args:
        address: where it is.
        clock: this machine's seconds since 1970.
    """
    with ExitStack() as stack:
        connections: list[Connection] = []

        def reach_it() -> str:
            connections.append(stack.enter_context(connect(address)))
            found = connections[0]
            return f"{found.host}, version {found.version or 'unknown'}, {_users(found)}"

        checks = run_in_order(
            [
                ("Kubeflow Pipelines answers", reach_it),
                ("Kubeflow Pipelines lets us list runs", lambda: _runs(connections[0])),
                ("Kubeflow Pipelines lets us list schedules", lambda: _schedules(connections[0])),
                ("Kubeflow Pipelines' clock", lambda: _skew(connections[0], clock)),
            ]
        )
        return checks, connections[0].version if connections else None


def _users(connection: Connection) -> str:
    return f"for many users, ours in {connection.namespace}" if connection.multi_user else "for one user"


def _runs(connection: Connection) -> str:
    found = connection.call(connection.runs.run_service_list_runs, page_size=1, **of_namespace(connection))
    return f"{found.total_size or 0} runs"


def _schedules(connection: Connection) -> str:
    found = connection.call(
        connection.schedules.recurring_run_service_list_recurring_runs,
        page_size=1,
        **of_namespace(connection),
    )
    return f"{found.total_size or 0} recurring runs"


def _skew(connection: Connection, clock: Callable[[], float]) -> str:
    before = clock()
    connection.call(connection.runs.run_service_list_runs, page_size=1, **of_namespace(connection))
    after = clock()
    said = connection.client.last_response.getheader("date")
    if not said:
        raise InconclusiveError("its answers have no date")
    there = parsedate_to_datetime(said).timestamp()
    skew = max(before - there - 1.0, there - after, 0.0)  # the header has whole seconds
    if skew > MOST_SKEW_SECONDS:
        raise GanError(
            f"{connection.host}'s clock and this machine's differ by {skew:.0f} s, and at most {MOST_SKEW_SECONDS:.0f} "
            "s are safe: schedules start at other times than expected; set this machine's clock by NTP"
        )
    return f"{skew:.0f} s apart"
