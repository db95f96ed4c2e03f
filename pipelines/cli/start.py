"""`gan-pipelines run`, `compile` and `submit`: a pipeline on this machine, as a file, and on Kubeflow Pipelines."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gan.cli.output import CommandOutput, to_output
from gan.cli.parser import Add, Parser, add_budget, add_config, add_store
from gan.config.sweep import load
from gan.result import Stopwatch
from gan.types import Json
from gan.util import log
from gan.util.ids import file_sha256
from pipelines.cli.flags import (
    add_address,
    add_pipeline,
    add_profile,
    address_of,
    connected,
    request_of,
)
from pipelines.cli.runs import wait_for_run
from pipelines.registry import PIPELINES

if TYPE_CHECKING:
    from pipelines.kfp.submit import PreparedRun


def add(add: Add) -> None:
    """Put the commands into the parser."""
    parser = add("run", "run a pipeline on this machine, from images to a promoted generator")
    add_pipeline(parser)
    add_config(parser, required=True)
    add_budget(parser)
    add_store(parser)
    _add_names(parser)
    parser.add_argument("--only", metavar="STEP", help="run one step alone, with what the steps before it made")
    parser.set_defaults(do=run)

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

    parser = add("submit", "run a pipeline on Kubeflow Pipelines; prints the run's id and URL")
    add_config(parser, required=True)
    add_budget(parser)
    add_store(parser)
    add_pipeline(parser)
    add_profile(parser)
    parser.add_argument(
        "--image",
        required=True,
        metavar="REF",
        help="the image that every step runs in; a tag is replaced by its digest",
    )
    parser.add_argument(
        "--allow-tag", action="store_true", help="keep a tag, for an image that is loaded into the cluster"
    )
    _add_names(parser)
    parser.add_argument("--wait", action="store_true", help="wait until the run has ended; exit codes as of `wait`")
    parser.add_argument(
        "--dry-run", action="store_true", help="check and show everything that does not need the cluster, then stop"
    )
    add_address(parser)
    parser.set_defaults(do=submit)


def _add_names(parser: Parser) -> None:
    parser.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    parser.add_argument(
        "--run-id", metavar="ID", help="of the training run (default: a hash of the config and the dataset)"
    )


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


def write(arguments: Namespace) -> CommandOutput:
    """Write a pipeline as a file."""
    from pipelines.compiled import compile_pipeline
    from pipelines.kubernetes.image_reference import parse
    from pipelines.profiles.profile import load_profile
    from pipelines.request import check_pipeline

    parse(arguments.image)
    sweep = None
    if arguments.sweep:
        check_pipeline(arguments.pipeline, sweep=arguments.sweep)
        sweep = load(arguments.sweep)
    profile = load_profile(arguments.profile)
    out = compile_pipeline(arguments.pipeline, arguments.image, profile, Path(arguments.out), sweep)
    return CommandOutput(f"wrote {out}", {"id": file_sha256(out), "uri": str(out.resolve())})


def submit(arguments: Namespace) -> CommandOutput:
    """Submit a run."""
    from pipelines.kfp.submit import prepare, start
    from pipelines.kubernetes.image_reference import parse
    from pipelines.profiles.profile import load_profile

    request = request_of(arguments)
    profile = load_profile(arguments.profile)
    parse(arguments.image)
    if not arguments.dry_run:
        address_of(arguments)  # a wrong address is reported before the seconds that compiling takes
    job = prepare(arguments.pipeline, request, profile, arguments.image, allow_tag=arguments.allow_tag)
    if arguments.dry_run:
        return _planned(job)
    with connected(arguments) as connection:
        run, version = start(connection, job, request.name)
        url = connection.run_url(run.run_id)
        lines = [str(run.run_id), *([url] if url else [])]
        record: Json = {
            "id": run.run_id,
            "uri": url,
            "name": run.display_name,
            "version": version.name,
            "image": job.image,
            "profile": profile.name,
        }
        if not arguments.wait:
            return CommandOutput("\n".join(lines), record)
        log.info("run submitted", id=run.run_id, url=url)  # stdout has it only after the run
        waited = wait_for_run(connection, run.run_id, None)
        return CommandOutput("\n".join([*lines, waited.text]), {**waited.record, **record}, waited.exit_code)


def _planned(job: PreparedRun) -> CommandOutput:
    from gan.util.ids import sha256

    digest = sha256(job.text.encode())
    lines = [f"would run: {job.about}", f"pipeline's YAML: {len(job.text)} characters, SHA-256 {digest}"]
    lines += [
        f"{name}: {value}" if "\n" not in value else f"{name}:\n{value}" for name, value in job.parameters.items()
    ]
    record: Json = {
        "id": digest,
        "uri": "",
        "image": job.image,
        "profile": job.profile.name,
        "parameters": job.parameters,
    }
    return CommandOutput("\n".join(lines), record)
