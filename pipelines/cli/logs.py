"""`gan-pipelines logs`: prints the log of a step."""

from __future__ import annotations

import sys
from argparse import Namespace

from components.registry import STEPS
from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.errors import ClusterError, ConfigError, unknown_name
from gan.result import Stopwatch
from gan.util import log
from pipelines.cli.flags import add_run, connected, kubernetes


def add(add: Add) -> None:
    """Put the command into the parser."""
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


def logs(arguments: Namespace) -> CommandOutput:
    """Print the lines as they come; with --json they are counted, and printed on stderr."""
    from pipelines.kfp import logs as client
    from pipelines.kfp import runs

    if arguments.step not in STEPS:
        raise ConfigError(unknown_name("step", arguments.step, STEPS))
    watch, count = Stopwatch(), 0
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
    record = {"id": run_id, "uri": page, "seconds": watch.seconds(), "step": arguments.step, "lines": count}
    return CommandOutput("", record)
