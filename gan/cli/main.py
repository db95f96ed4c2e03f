"""The `gan` command: parse, call one step, print its outcome.

Every error of ours becomes one line on stderr and its exit code (`gan.errors` lists them); nothing else becomes a
traceback but a bug.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from gan.cli.parser import make_parser
from gan.errors import EXIT_BUG, EXIT_INTERRUPTED, GanError, Stopped


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return guarded("gan", lambda: run(argv))


def run(argv: Sequence[str] | None) -> int:
    """Parse and run a command; errors of ours pass through."""
    arguments = make_parser().parse_args(argv)
    from gan.cli import commands

    command: Callable[..., commands.Shown] = getattr(commands, arguments.command.replace("-", "_"))
    shown = command(arguments)
    if getattr(arguments, "json", False):
        print(json.dumps(shown.record, sort_keys=True))
    else:
        print(shown.text)
    sys.stdout.flush()  # a closed pipe shows here, where it is handled, not at exit
    return shown.exit_code


def guarded(program: str, body: Callable[[], int]) -> int:
    """Call `body`; tell errors of ours in one line, and bugs with their traceback, each with its exit code."""
    try:
        return body()
    except GanError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        print(f"{program}: stopped. {stopped.advice}".rstrip(), file=sys.stderr)
        return stopped.exit_code
    except KeyboardInterrupt:
        print(f"{program}: stopped by Ctrl-C; nothing half made is left", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        print(f"{program}: this is a bug; please report it with the lines above", file=sys.stderr)
        return EXIT_BUG


if __name__ == "__main__":
    raise SystemExit(main())
