"""`gan-pipelines wait`: until a run has ended, or for so long."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.errors import Stopped
from gan.result import Stopwatch
from gan.util.log import say
from pipelines.cli.flags import add_run, connected
from pipelines.cli.status import told_of

if TYPE_CHECKING:
    from pipelines.kfp.connection import Connection


def add(add: Add) -> None:
    """Put the command into the parser."""
    made = add("wait", "wait until a run has ended (exit code 0 succeeded, 17 failed, 18 canceled, 19 still going on)")
    made.add_argument("--timeout", metavar="DURATION", help="such as 90s, 30m or 12h (default: as long as it takes)")
    add_run(made)
    made.set_defaults(do=wait)


def wait(arguments: Namespace) -> CommandOutput:
    """Wait for a run."""
    from gan.cli.durations import seconds
    from pipelines.kfp.runs import find

    longest = None if arguments.timeout is None else seconds(arguments.timeout, "--timeout")
    with connected(arguments) as connection:
        return waited(connection, str(find(connection, arguments.run).run_id), longest)


def waited(connection: Connection, run_id: str, longest_seconds: float | None) -> CommandOutput:
    """How a run is told once it has ended, or the time is over; its states are told as they change.

    Raises:
        Stopped: by SIGTERM or Ctrl-C, which the run does not hear of.
    """
    from pipelines.kfp.wait import wait_until_ended

    watch = Stopwatch()
    try:
        run = wait_until_ended(connection, run_id, longest_seconds, on_poll=telling())
    except (Stopped, KeyboardInterrupt) as stopped:
        number = signal.SIGINT if isinstance(stopped, KeyboardInterrupt) else stopped.signal_number
        advice = (
            f"The run goes on: `gan-pipelines wait {run_id}` waits for it, `gan-pipelines cancel {run_id}` stops it"
        )
        raise Stopped(number, advice) from None
    return told_of(connection, run, watch)


def telling() -> Callable[[Any], None]:
    """What tells of a run's state whenever that has changed."""
    states: list[str] = []

    def tell(run: Any) -> None:
        if run.state not in states[-1:]:
            states.append(run.state)
            say(f"run {run.state.lower()}", id=run.run_id, name=run.display_name)

    return tell
