"""`gan-pipelines compile`: a pipeline as a file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from gan.cli.output import CommandOutput
from gan.cli.parser import Add
from gan.config.sweep import load
from gan.result import Stopwatch
from gan.util.ids import file_sha256
from pipelines.cli.flags import add_pipeline, add_profile


def add(add: Add) -> None:
    """Put the command into the parser."""
    parser = add("compile", "write the YAML that Kubeflow Pipelines takes")
    add_pipeline(parser)
    parser.add_argument(
        "--image",
        default="gan-pipelines:cpu",
        metavar="REF",
        help="the image that every step runs in, best pinned by its digest (default: %(default)s)",
    )
    add_profile(parser)
    parser.add_argument("--out", required=True, metavar="FILE.yaml", help="the file to write")
    parser.set_defaults(do=write)


def write(arguments: Namespace) -> CommandOutput:
    """Write the file."""
    from pipelines.compiled import compile_pipeline
    from pipelines.kubernetes.image_reference import parse
    from pipelines.profiles.profile import load_profile
    from pipelines.request import check_pipeline

    watch = Stopwatch()
    parse(arguments.image)
    sweep = None
    if arguments.sweep:
        check_pipeline(arguments.pipeline, sweep=arguments.sweep)
        sweep = load(arguments.sweep)
    profile = load_profile(arguments.profile)
    out = compile_pipeline(arguments.pipeline, arguments.image, profile, Path(arguments.out), sweep)
    return CommandOutput(
        f"wrote {out}", {"id": file_sha256(out), "uri": str(out.resolve()), "seconds": watch.seconds()}
    )
