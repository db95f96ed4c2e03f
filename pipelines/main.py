"""The `gan-pipelines` command: parse, do, print. Errors are told as those of `gan` are."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from gan.cli.main import guarded
from gan.cli.shown import Shown, shown
from gan.console import put
from gan.errors import EXIT_UNHEALTHY
from gan.ids import file_sha256
from gan.sigterm import unwinding_at_sigterm
from gan.steps.outcome import Stopwatch
from pipelines.parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return guarded("gan-pipelines", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    commands: dict[str, Callable[[Namespace], Shown]] = {"run": _run, "compile": _compile, "doctor": _doctor}
    with unwinding_at_sigterm():
        told = commands[arguments.command](arguments)
    put(json.dumps(told.record, sort_keys=True) if arguments.json else told.text, sys.stdout)
    return told.exit_code


def _run(arguments: Namespace) -> Shown:
    from pipelines.request import resolve

    watch = Stopwatch()
    request = resolve(
        arguments.config, arguments.set, store=arguments.store, name=arguments.name, run_id=arguments.run_id
    )
    from pipelines import summary
    from pipelines.display import make_display
    from pipelines.local import run_step, run_training

    if arguments.only is not None:
        return shown(arguments.only, run_step(request, arguments.only, make_display()).outcome)
    runs = run_training(request, make_display())
    seconds = watch.seconds()
    return Shown(summary.text(request, runs, seconds), summary.record(request, runs, seconds))


def _compile(arguments: Namespace) -> Shown:
    from pipelines.compiled import DEFAULT_IMAGE, compile_pipeline
    from pipelines.profiles import load_profile

    watch = Stopwatch()
    profile = load_profile(arguments.profile)
    out = compile_pipeline(arguments.pipeline, arguments.image or DEFAULT_IMAGE, profile, Path(arguments.out))
    return Shown(f"wrote {out}", {"id": file_sha256(out), "uri": str(out.resolve()), "seconds": watch.seconds()})


def _doctor(arguments: Namespace) -> Shown:
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


if __name__ == "__main__":
    raise SystemExit(main())
