"""`gan-pipelines run`: a pipeline on this machine."""

from __future__ import annotations

from argparse import Namespace

from gan.cli.parser import Add, add_config, add_store
from gan.cli.shown import Shown, shown
from gan.errors import ConfigError
from gan.steps.outcome import Stopwatch
from pipelines.commands.flags import add_sweep


def add(add: Add) -> None:
    """Put the command into the parser."""
    made = add("run", "run a pipeline on this machine, from images to a promoted generator")
    made.add_argument(
        "--pipeline",
        default="training",
        choices=("training", "retraining", "sweep"),
        help="which one (default: %(default)s); retraining looks first whether there is a reason to train, sweep "
        "trains many runs and goes on with the best",
    )
    add_sweep(made)
    add_config(made, required=True)
    add_store(made)
    made.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    made.add_argument("--run-id", metavar="ID", help="default: a hash of the config and the dataset")
    made.add_argument("--only", metavar="STEP", help="run one step alone; its inputs are those of the steps before it")
    made.set_defaults(do=run)


def run(arguments: Namespace) -> Shown:
    """Run the whole pipeline, or one step of it."""
    from gan.store import open_store
    from pipelines.request import check_sweep, resolve

    watch = Stopwatch()
    check_sweep(arguments.pipeline, arguments.sweep)
    _check_flags(arguments)
    request = resolve(
        arguments.config,
        arguments.set,
        store=arguments.store,
        name=arguments.name,
        run_id=arguments.run_id,
        sweep=arguments.sweep,
    )
    open_store(request.store_uri)  # before TensorFlow is: it tells whether there are credentials
    from pipelines import summary
    from pipelines.display import make_display
    from pipelines.local import run_pipeline, run_step

    if arguments.only is not None:
        return shown(arguments.only, run_step(request, arguments.only, make_display()).outcome)
    runs = run_pipeline(arguments.pipeline, request, make_display())
    seconds = watch.seconds()
    return Shown(summary.text(request, runs, seconds), summary.record(request, runs, seconds))


def _check_flags(arguments: Namespace) -> None:
    """Retraining and sweeps name their runs themselves, and their steps stand and fall together."""
    for flag, given in (("--run-id", arguments.run_id), ("--only", arguments.only)):
        if given is not None and arguments.pipeline != "training":
            raise ConfigError(f"{flag} is of no use with --pipeline {arguments.pipeline}; got {given}. Leave it out")
