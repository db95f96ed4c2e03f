"""`gan-pipelines wait`: until a run has ended, or for so long."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gan.cli.parser import Add
from gan.cli.shown import Shown
from gan.console import say
from gan.steps.outcome import Stopwatch
from pipelines.commands.flags import add_run, connected
from pipelines.commands.status import told_of

if TYPE_CHECKING:
    from pipelines.client.connection import Connection


def add(add: Add) -> None:
    """Put the command into the parser."""
    made = add("wait", "wait until a run has ended (exit code 0 succeeded, 17 failed, 18 canceled, 19 still going on)")
    made.add_argument("--timeout", metavar="DURATION", help="such as 90s, 30m or 12h (default: as long as it takes)")
    add_run(made)
    made.set_defaults(do=wait)


def wait(arguments: Namespace) -> Shown:
    """Wait for a run."""
    from gan.cli.durations import seconds
    from pipelines.client.runs import find

    longest = None if arguments.timeout is None else seconds(arguments.timeout, "--timeout")
    with connected(arguments) as connection:
        return waited(connection, str(find(connection, arguments.run).run_id), longest)


def waited(connection: Connection, run_id: str, longest_seconds: float | None) -> Shown:
    """How a run is told once it has ended, or the time is over; its states are told as they change."""
    from pipelines.client.wait import until_ended

    watch = Stopwatch()
    run = until_ended(connection, run_id, longest_seconds, each=telling())
    return told_of(connection, run, watch)


def telling() -> Callable[[Any], None]:
    """What tells of a run's state whenever that has changed."""
    states: list[str] = []

    def tell(run: Any) -> None:
        if run.state not in states[-1:]:
            states.append(run.state)
            say(f"run {run.state.lower()}", id=run.run_id, name=run.display_name)

    return tell
