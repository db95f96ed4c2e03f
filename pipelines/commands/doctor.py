"""`gan-pipelines doctor`: tries what a run will need."""

from __future__ import annotations

from argparse import Namespace

from gan.cli.parser import Add, add_store
from gan.cli.shown import Shown
from gan.errors import EXIT_UNHEALTHY
from gan.steps.outcome import Stopwatch


def add(add: Add) -> None:
    """Put the command into the parser."""
    made = add("doctor", "try the store as a run will use it, and tell what to do about what fails (exit code 15)")
    add_store(made)
    made.set_defaults(do=examine)


def examine(arguments: Namespace) -> Shown:
    """Every check, one line each."""
    from pipelines.doctor import examine_store

    watch = Stopwatch()
    checks = examine_store(arguments.store)
    marks = {True: "ok", False: "FAILED", None: "-"}
    lines = [f"{marks[check.ok]:6}  {check.name}: {check.found}" for check in checks]
    healthy = all(check.ok for check in checks)
    record = {
        "id": "doctor",
        "uri": arguments.store,
        "seconds": watch.seconds(),
        "healthy": healthy,
        "checks": [check.to_json() for check in checks],
    }
    return Shown("\n".join(lines), record, 0 if healthy else EXIT_UNHEALTHY)
