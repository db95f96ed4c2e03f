"""Flags that several commands share, and how they are read."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from gan.cli.parser import Parser
from pipelines.registry import PIPELINES

if TYPE_CHECKING:
    from components.kubernetes.api import KubernetesApi
    from pipelines.kfp.connection import Connection
    from pipelines.kfp.endpoint import Address
    from pipelines.request import RunRequest

DEFAULT_PROFILE = "cpu-small"


def add_profile(parser: Parser, default: str | None = DEFAULT_PROFILE) -> None:
    """The flag that says what the pods of the steps get."""
    parser.add_argument(
        "--profile",
        default=default,
        metavar="NAME|FILE.yaml",
        help="what the pod of each step gets: local, cpu-small, gpu-t4, gpu-l4, gpu-a100-spot, or a file "
        f"(default: {DEFAULT_PROFILE})",
    )


def add_pipeline(parser: Parser) -> None:
    """The flags that say which pipeline, and what a sweep tries."""
    parser.add_argument(
        "--pipeline",
        default="training",
        metavar="NAME",
        help="; ".join(f"{name}: {spec.about}" for name, spec in PIPELINES.items()) + " (default: %(default)s)",
    )
    parser.add_argument(
        "--sweep", metavar="FILE.yaml", help="what the sweep pipeline tries: a grid or a search, seeds, rungs"
    )


def add_address(parser: Parser) -> None:
    """The flags that say where Kubeflow Pipelines is."""
    group = parser.add_argument_group("where Kubeflow Pipelines is")
    group.add_argument("--host", metavar="URL", help="the URL of its API or UI (default: KFP_HOST)")
    group.add_argument(
        "--namespace", metavar="NAME", help="the namespace of the pods (default: KFP_NAMESPACE, or kubeflow)"
    )
    group.add_argument("--token-file", metavar="FILE", help="the file with the bearer token (default: KFP_TOKEN_FILE)")
    group.add_argument("--ca-file", metavar="FILE", help="the certificate authorities to trust (default: KFP_CA_FILE)")
    group.add_argument("--port-forward", action="store_true", help="connect through the kubeconfig instead of a URL")


def add_run(parser: Parser, *, optional: bool = False) -> None:
    """The flags that say which run, and where Kubeflow Pipelines is."""
    which = "a run's id, its name, or the beginning of one of them"
    if optional:
        parser.add_argument("run", nargs="?", metavar="RUN", help=f"{which} (default: the newest run)")
    else:
        parser.add_argument("run", metavar="RUN", help=which)
    add_address(parser)


def request_of(arguments: Namespace, only: str | None = None) -> RunRequest:
    """What the flags ask a pipeline to do; `only` is the one step to run.

    Raises:
        ConfigError: a flag, key, value or name is wrong.
        NotFoundError: there is no such config, or no such file.
    """
    from pipelines.request import check_pipeline, resolve

    check_pipeline(arguments.pipeline, sweep=arguments.sweep, run_id=arguments.run_id, only=only)
    return resolve(
        arguments.config,
        arguments.set,
        store=arguments.store,
        name=arguments.name,
        run_id=arguments.run_id,
        sweep=arguments.sweep,
    )


def address_of(arguments: Namespace) -> Address:
    """Where the flags say that Kubeflow Pipelines is.

    Raises:
        ConfigError: a flag is wrong, or there is no host.
    """
    from pipelines.kfp.endpoint import find

    return find(
        host=arguments.host,
        namespace=arguments.namespace,
        token_file=arguments.token_file,
        ca_file=arguments.ca_file,
        port_forward=arguments.port_forward,
    )


@contextmanager
def connected(arguments: Namespace) -> Iterator[Connection]:
    """A connection to where the flags say.

    Raises:
        ConfigError: a flag is wrong, or there is no host.
        ClusterError: it can't be reached, or refuses.
    """
    from pipelines.kfp.connection import connect

    with connect(address_of(arguments)) as connection:
        yield connection


def kubernetes(namespace: str) -> tuple[KubernetesApi | None, str]:
    """The cluster of the kubeconfig if it answers, else None and why not: many commands can do without it.

    A cluster that forbids this call has answered; a later call that needs more rights reports that.

    Raises:
        NotFoundError: it has no such namespace.
    """
    from components.api_errors import ApiStatusError
    from components.kubernetes.connect import open_cluster
    from gan.errors import ClusterError, NotFoundError

    try:
        cluster = open_cluster(namespace)
        cluster.call(cluster.core.list_namespaced_pod, namespace, limit=1)
    except ApiStatusError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            return None, str(error)
    except (ClusterError, NotFoundError) as error:
        return None, str(error)
    try:
        cluster.call(cluster.core.read_namespace, namespace)
    except NotFoundError:
        raise NotFoundError(
            f'the cluster has no namespace "{namespace}"; give the --namespace of the pods, and check that KUBECONFIG '
            "names their cluster"
        ) from None
    except ClusterError:
        pass  # no right to read namespaces, or a broken connection
    return cluster, ""


def kubernetes_if_any(namespace: str) -> tuple[KubernetesApi | None, str]:
    """The same, but a wrong namespace is not an error either: the cluster only adds to what Kubeflow reports."""
    from gan.errors import NotFoundError

    try:
        return kubernetes(namespace)
    except NotFoundError as error:
        return None, str(error)
