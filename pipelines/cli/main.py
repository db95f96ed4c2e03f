"""The `gan-pipelines` command: parse, run, print. Errors look like those of `gan`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from gan.cli.main import exit_code_of
from gan.cli.output import CommandOutput
from gan.util import log
from gan.util.sigterm import sigterm_as_exception
from pipelines.cli.parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of("gan-pipelines", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    with sigterm_as_exception():
        output: CommandOutput = arguments.do(arguments)
    text = json.dumps(output.record, sort_keys=True) if arguments.json else output.text
    if text:  # some commands print while they run
        log.write_line(text, sys.stdout)
    return output.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
