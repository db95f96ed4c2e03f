"""`gan-pipelines doctor`: checks what a run will need."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from gan.cli.output import CommandOutput
from gan.cli.parser import Add, add_store
from gan.errors import EXIT_UNHEALTHY
from pipelines.cli.flags import DEFAULT_PROFILE, add_address, add_profile, address_of

if TYPE_CHECKING:
    from pipelines.doctor.check import DoctorCheck

MARKS = {True: "ok", False: "FAILED", None: "-"}


def add(add: Add) -> None:
    """Put the command into the parser."""
    parser = add(
        "doctor",
        "check the store, and the cluster if a flag or KFP_HOST names one, by using them as a run will; each failure "
        "comes with its remedy (exit code 15)",
    )
    add_store(parser)
    add_profile(parser, default=None)  # without one, the cluster need not be checked
    parser.add_argument("--image", metavar="REF", help="check whether the nodes can pull this image")
    add_address(parser)
    parser.set_defaults(do=examine)


def examine(arguments: Namespace) -> CommandOutput:
    """Every check, one line each. The cluster is checked if an address, a profile or an image is given."""
    from pipelines.doctor.store import examine_store
    from pipelines.kfp.endpoint import HOST

    checks = examine_store(arguments.store)
    where = (arguments.host, arguments.port_forward, arguments.namespace, arguments.token_file, arguments.ca_file)
    if any((*where, arguments.profile, arguments.image, os.environ.get(HOST))):
        checks += _examine_cluster(arguments)
    lines = [f"{MARKS[check.ok]:6}  {check.name}: {check.found}" for check in checks]
    healthy = not any(check.ok is False for check in checks)
    record = {
        "id": "doctor",
        "uri": arguments.store,
        "healthy": healthy,
        "checks": [asdict(check) for check in checks],
    }
    return CommandOutput("\n".join(lines), record, 0 if healthy else EXIT_UNHEALTHY)


def _examine_cluster(arguments: Namespace) -> list[DoctorCheck]:
    from pipelines.doctor.backend import examine_backend
    from pipelines.doctor.check import run_check
    from pipelines.doctor.kubernetes import examine_kubernetes
    from pipelines.kfp.submit import check_reachable_by_pods
    from pipelines.profiles.profile import load_profile

    address = address_of(arguments)
    profile = load_profile(arguments.profile or DEFAULT_PROFILE)
    reach = run_check("pods reach the store", lambda: check_reachable_by_pods("--store", arguments.store))
    backend, version = examine_backend(address)
    namespace, store, image = address.namespace, arguments.store, arguments.image
    return [reach, *backend, *examine_kubernetes(namespace, profile, store, image, backend=version)]
