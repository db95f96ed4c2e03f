"""`gan-pipelines submit`: a run on Kubeflow Pipelines."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from gan.cli.output import CommandOutput
from gan.cli.parser import Add, add_budget, add_config, add_store
from gan.result import Stopwatch
from gan.types import Json
from gan.util import log
from pipelines.cli.flags import (
    add_address,
    add_pipeline,
    add_profile,
    address_of,
    connected,
    request_of,
)

if TYPE_CHECKING:
    from pipelines.kfp.submit import PreparedRun


def add(add: Add) -> None:
    """Put the command into the parser."""
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
    parser.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    parser.add_argument(
        "--run-id", metavar="ID", help="of the training run (default: a hash of the config and the dataset)"
    )
    parser.add_argument("--wait", action="store_true", help="wait until the run has ended; exit codes as of `wait`")
    parser.add_argument(
        "--dry-run", action="store_true", help="check and show everything that does not need the cluster, then stop"
    )
    add_address(parser)
    parser.set_defaults(do=submit)


def submit(arguments: Namespace) -> CommandOutput:
    """Submit a run."""
    from pipelines.kfp.submit import prepare, start
    from pipelines.kubernetes.image_reference import parse
    from pipelines.profiles.profile import load_profile

    watch = Stopwatch()
    request = request_of(arguments)
    profile = load_profile(arguments.profile)
    parse(arguments.image)
    if not arguments.dry_run:
        address_of(arguments)  # a wrong address is reported before the seconds that compiling takes
    job = prepare(arguments.pipeline, request, profile, arguments.image, allow_tag=arguments.allow_tag)
    if arguments.dry_run:
        return _planned(job, watch)
    with connected(arguments) as connection:
        run, version = start(connection, job, request.name)
        url = connection.run_url(run.run_id)
        lines = [str(run.run_id), *([url] if url else [])]
        record: Json = {
            "id": run.run_id,
            "uri": url,
            "seconds": watch.seconds(),
            "name": run.display_name,
            "version": version.name,
            "image": job.image,
            "profile": profile.name,
        }
        if not arguments.wait:
            return CommandOutput("\n".join(lines), record)
        from pipelines.cli.wait import wait_for_run

        log.info("run submitted", id=run.run_id, url=url)  # stdout has it only after the run
        waited = wait_for_run(connection, run.run_id, None)
        return CommandOutput(
            "\n".join([*lines, waited.text]), {**waited.record, **record, "seconds": watch.seconds()}, waited.exit_code
        )


def _planned(job: PreparedRun, watch: Stopwatch) -> CommandOutput:
    from gan.util.ids import sha256

    digest = sha256(job.text.encode())
    lines = [f"would run: {job.about}", f"pipeline's YAML: {len(job.text)} characters, SHA-256 {digest}"]
    lines += [
        f"{name}: {value}" if "\n" not in value else f"{name}:\n{value}" for name, value in job.parameters.items()
    ]
    record: Json = {
        "id": digest,
        "uri": "",
        "seconds": watch.seconds(),
        "image": job.image,
        "profile": job.profile.name,
        "parameters": job.parameters,
    }
    return CommandOutput("\n".join(lines), record)
