"""The `gan-pipelines` command: parse, run or compile, print. Errors are told as those of `gan` are."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from gan.cli.main import guarded
from gan.ids import file_sha256
from gan.steps.outcome import Stopwatch
from pipelines.parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return guarded("gan-pipelines", lambda: _command(argv))


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    commands: dict[str, Callable[[Namespace], str]] = {"run": _run, "compile": _compile}
    print(commands[arguments.command](arguments))
    return 0


def _run(arguments: Namespace) -> str:
    from pipelines.request import resolve

    watch = Stopwatch()
    request = resolve(
        arguments.config, arguments.set, store=arguments.store, name=arguments.name, run_id=arguments.run_id
    )
    from pipelines import summary
    from pipelines.display import make_display
    from pipelines.local import run_step, run_training

    if arguments.only is not None:
        outcome = run_step(request, arguments.only, make_display()).outcome
        return json.dumps(outcome.to_dict(), sort_keys=True) if arguments.json else outcome.id
    runs = run_training(request, make_display())
    if arguments.json:
        return json.dumps(summary.record(request, runs, watch.seconds()), sort_keys=True)
    return summary.text(request, runs, watch.seconds())


def _compile(arguments: Namespace) -> str:
    from pipelines.compiled import DEFAULT_IMAGE, compile_pipeline

    watch = Stopwatch()
    out = compile_pipeline(arguments.pipeline, arguments.image or DEFAULT_IMAGE, Path(arguments.out))
    if not arguments.json:
        return f"wrote {out}"
    record = {"id": file_sha256(out), "uri": str(out.resolve()), "seconds": watch.seconds()}
    return json.dumps(record, sort_keys=True)


if __name__ == "__main__":
    raise SystemExit(main())
