"""The commands of `gan-pipelines` and their flags. Nothing heavy is imported here, so that `--help` is fast."""

from __future__ import annotations

from gan.cli.parser import Parser, make_program
from pipelines.cli import compile, control, doctor, logs, run, schedule, status, submit, wait

COMMANDS = (run, compile, submit, status, logs, wait, control, schedule, doctor)


def make_parser() -> Parser:
    """The parser of `gan-pipelines`; `do` of what it parses is the function of the command."""
    parser, add = make_program(
        "gan-pipelines", "Run the pipelines on this machine or on Kubeflow Pipelines, and manage their runs there."
    )
    for command in COMMANDS:
        command.add(add)
    return parser
