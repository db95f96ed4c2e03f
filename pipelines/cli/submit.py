"""`gan-pipelines submit`: a run on Kubeflow Pipelines."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from gan.cli.output import CommandOutput
from gan.cli.parser import Add, add_config, add_store
from gan.result import Stopwatch
from gan.types import Json
from gan.util.log import say
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
    made = add("submit", "run a pipeline on Kubeflow Pipelines; prints the run's id and URL")
    add_config(made, required=True)
    add_store(made)
    add_pipeline(made)
    add_profile(made)
    made.add_argument(
        "--image",
        required=True,
        metavar="REF",
        help="the image that every step runs in; a tag is replaced by the digest that it has in its registry now",
    )
    made.add_argument(
        "--allow-tag", action="store_true", help="take a tag as it is, for an image that is loaded into the cluster"
    )
    made.add_argument("--name", metavar="NAME", help="the name to promote to (default: the config's)")
    made.add_argument(
        "--run-id", metavar="ID", help="of the training run (default: a hash of the config and the dataset)"
    )
    made.add_argument("--wait", action="store_true", help="wait until it has ended; exit codes as those of `wait`")
    made.add_argument("--dry-run", action="store_true", help="check everything that needs no cluster, show it, stop")
    add_address(made)
    made.set_defaults(do=submit)


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
        address_of(arguments)  # what is wrong with it is told before the seconds that compiling takes
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
        from pipelines.cli.wait import waited

        say("run submitted", id=run.run_id, url=url)  # on stdout it stands when all is over
        told = waited(connection, run.run_id, None)
        return CommandOutput(
            "\n".join([*lines, told.text]), {**told.record, **record, "seconds": watch.seconds()}, told.exit_code
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
