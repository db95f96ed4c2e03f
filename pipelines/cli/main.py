"""The `gan-pipelines` command: parse, do, print. Errors are told as those of `gan` are."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from gan.cli.main import exit_code_of
from gan.cli.output import CommandOutput
from gan.util.log import put
from gan.util.sigterm import sigterm_as_exception
from pipelines.cli.parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of("gan-pipelines", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    with sigterm_as_exception():
        told: CommandOutput = arguments.do(arguments)
    text = json.dumps(told.record, sort_keys=True) if arguments.json else told.text
    if text:  # a command that printed as it went on has nothing left to say
        put(text, sys.stdout)
    return told.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
