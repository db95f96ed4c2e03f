"""The `gan-pipelines` command: parse, run, print. Errors look like those of `gan`.

Nothing heavy is imported here or at the top of a command's module, so that `--help` is fast.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from gan.cli.main import exit_code_of
from gan.cli.output import CommandOutput
from gan.cli.parser import Parser, make_program
from gan.result import Stopwatch
from gan.util import log
from gan.util.sigterm import sigterm_as_exception
from pipelines.cli import doctor, runs, schedule, start

COMMANDS = (start, runs, schedule, doctor)


def make_parser() -> Parser:
    """The parser of `gan-pipelines`; `do` of what it parses is the function of the command."""
    parser, add = make_program(
        "gan-pipelines", "Run the pipelines on this machine or on Kubeflow Pipelines, and manage their runs there."
    )
    for command in COMMANDS:
        command.add(add)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of("gan-pipelines", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    watch = Stopwatch()
    with sigterm_as_exception():
        output: CommandOutput = arguments.do(arguments)
    record = {"seconds": watch.seconds(), **output.record}  # a step or a pipeline has its own time
    text = json.dumps(record, sort_keys=True) if arguments.json else output.text
    if text:  # some commands print while they run
        log.write_line(text, sys.stdout)
    return output.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
