"""`gan-pipelines wait`: waits until a run has ended, or for a time."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.errors import Stopped
from gan.result import Stopwatch
from gan.util import log
from pipelines.cli.flags import add_run, connected
from pipelines.cli.status import status_output

if TYPE_CHECKING:
    from pipelines.kfp.connection import Connection


def add(add: Add) -> None:
    """Put the command into the parser."""
    parser = add(
        "wait", "wait until a run has ended (exit code 0 succeeded, 17 failed, 18 canceled, 19 still in progress)"
    )
    parser.add_argument(
        "--timeout", metavar="DURATION", help="how long at most, such as 90s, 30m or 12h (default: no limit)"
    )
    add_run(parser)
    parser.set_defaults(do=wait)


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

    watch = Stopwatch()
    try:
        run = wait_until_ended(connection, run_id, timeout_seconds, on_poll=report_state_changes())
    except (Stopped, KeyboardInterrupt) as stopped:
        number = signal.SIGINT if isinstance(stopped, KeyboardInterrupt) else stopped.signal_number
        advice = (
            f"The run continues: `gan-pipelines wait {run_id}` waits for it, `gan-pipelines cancel {run_id}` stops it"
        )
        raise Stopped(number, advice) from None
    return status_output(connection, run, watch)


def report_state_changes() -> Callable[[Any], None]:
    """A function that logs a run's state whenever it has changed."""
    states: list[str] = []

    def report(run: Any) -> None:
        if run.state not in states[-1:]:
            states.append(run.state)
            log.info(f"run {run.state.lower()}", id=run.run_id, name=run.display_name)

    return report
