"""The `gan` command: parse, call one step, print its outcome.

Every `GanError` becomes one line on stderr and its exit code (see `gan.errors`); only bugs show a traceback.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gan.cli.parser import make_parser
from gan.errors import EXIT_BUG, EXIT_INTERRUPTED, GanError, Stopped
from gan.util import log
from gan.util.sigterm import sigterm_as_exception

if TYPE_CHECKING:
    from gan.cli.output import CommandOutput


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of("gan", lambda: run(argv))


def run(argv: Sequence[str] | None) -> int:
    """Parse and run a command, without catching errors."""
    arguments = make_parser().parse_args(argv)
    from gan.cli import commands

    command: Callable[..., CommandOutput] = getattr(commands, arguments.command)
    with sigterm_as_exception():
        output = command(arguments)
    log.write_line(json.dumps(output.record, sort_keys=True) if arguments.json else output.text, sys.stdout)
    return output.exit_code


def exit_code_of(program: str, body: Callable[[], int]) -> int:
    """Call `body`; print a `GanError` in one line and a bug with its traceback, and return the exit code."""
    try:
        return body()
    except GanError as error:
        log.write_line(f"{program}: {error}", sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        log.write_line(f"{program}: stopped. {stopped.advice}".rstrip(), sys.stderr)
        return stopped.exit_code
    except KeyboardInterrupt:
        log.write_line(f"{program}: stopped by Ctrl-C; no partial output is left", sys.stderr)
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001
        log.write_line(
            f"{traceback.format_exc()}{program}: this is a bug; please report it with the lines above", sys.stderr
        )
        return EXIT_BUG


if __name__ == "__main__":
    raise SystemExit(main())
