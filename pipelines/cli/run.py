"""`gan-pipelines run`: a pipeline on this machine."""

from __future__ import annotations

from argparse import Namespace

from gan.cli.output import CommandOutput, to_output
from gan.cli.parser import Add, add_budget, add_config, add_store
from gan.result import Stopwatch
from pipelines.cli.flags import add_pipeline, request_of
from pipelines.registry import PIPELINES


def add(add: Add) -> None:
    """Put the command into the parser."""
    parser = add("run", "run a pipeline on this machine, from images to a promoted generator")
    add_pipeline(parser)
    add_config(parser, required=True)
    add_budget(parser)
    add_store(parser)
    parser.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    parser.add_argument(
        "--run-id", metavar="ID", help="of the training run (default: a hash of the config and the dataset)"
    )
    parser.add_argument("--only", metavar="STEP", help="run one step alone, with what the steps before it made")
    parser.set_defaults(do=run)


def run(arguments: Namespace) -> CommandOutput:
    """Run the whole pipeline, or one step of it."""
    from gan.store import open_store

    watch = Stopwatch()
    request = request_of(arguments, arguments.only)
    open_store(request.store_uri)  # before TensorFlow is imported: missing credentials are reported at once
    from pipelines.local import summary
    from pipelines.local.display import make_display
    from pipelines.local.local_run import run_pipeline, run_step

    if arguments.only is not None:
        done = run_step(arguments.pipeline, request, arguments.only, make_display())
        return to_output(arguments.only, done.result)
    runs = run_pipeline(arguments.pipeline, request, make_display())
    about = PIPELINES[arguments.pipeline], request, runs, watch.seconds()
    return CommandOutput(summary.text(*about), summary.record(*about))
