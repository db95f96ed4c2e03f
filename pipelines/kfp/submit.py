"""Starts a run on the backend from a checked request, a compiled pipeline and a profile."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import kfp_server_api as api
import yaml

from gan.build import check_config, source, warn_if_unusual
from gan.errors import ConfigError
from gan.metrics.features.feature_networks import IMAGENET
from gan.store import local_path
from gan.util.ids import check_id
from gan.util.tf_import import load_tensorflow
from pipelines.compiled import compile_text
from pipelines.kfp import runs
from pipelines.kfp.connection import Connection
from pipelines.kfp.upload import PipelineVersion, experiment, upload
from pipelines.kubernetes.image_digest import pinned
from pipelines.profiles.profile import Profile
from pipelines.request import RunRequest


@dataclass(frozen=True)
class PreparedRun:
    """Everything that a run is made of, before it is sent to the backend.

    `parameters` are those of the pipeline; `image` is by digest unless a tag was allowed.
    """

    pipeline: str
    image: str
    profile: Profile
    text: str
    parameters: dict[str, Any]

    @property
    def about(self) -> str:
        """A sentence that describes the run."""
        return f"pipeline {self.pipeline}, profile {self.profile.name}, image {self.image}"


def prepare(pipeline: str, request: RunRequest, profile: Profile, image: str, *, allow_tag: bool) -> PreparedRun:
    """Compile a pipeline for a request, and check that it can run in pods.

    Raises:
        ConfigError: a name or value is wrong, the store or the data are on this machine alone, or the image's tag can't
            be resolved.
    """
    _check_uris(request)
    load_tensorflow()  # to check losses and networks: a few seconds now instead of a failure at night
    for config in request.configs():
        check_config(config)
    warn_if_unusual(request.config)
    exact = pinned(image, allow_tag=allow_tag)
    text = compile_text(pipeline, exact, profile, request.sweep)
    return PreparedRun(pipeline, exact, profile, text, _parameters(pipeline, text, request.parameters()))


def start(connection: Connection, job: PreparedRun, name: str) -> tuple[Any, PipelineVersion]:
    """Upload the pipeline where it is new, and run it.

    Args:
        connection: to the backend.
        job: what to run.
        name: prefix of the run's name; random digits make it unique.

    Returns:
        The run as the backend has it, and the pipeline's version.

    Raises:
        ClusterError: the backend can't be reached, or refuses. No run was started, or the message says that one may be.
    """
    version = upload(connection, job.pipeline, job.text, job.about)
    run = api.V2beta1Run(
        display_name=f"{check_id(name, '--name')}-{secrets.token_hex(4)}",
        description=job.about,
        experiment_id=experiment(connection),
        pipeline_version_reference=api.V2beta1PipelineVersionReference(
            pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id
        ),
        runtime_config=api.V2beta1RuntimeConfig(parameters=job.parameters),
        service_account=job.profile.service_account,
    )
    return runs.create(connection, run), version


def _parameters(pipeline: str, text: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Of the given parameters, those that the pipeline takes."""
    spec = next(iter(yaml.safe_load_all(text)))
    takes = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    missing = [
        name
        for name, definition in takes.items()
        if name not in given and not definition.get("isOptional") and "defaultValue" not in definition
    ]
    if missing:
        raise ConfigError(
            f"the pipeline {pipeline} takes {', '.join(missing)}, which a config, a store and a name do not give; it "
            "can't be submitted this way"
        )
    return {name: value for name, value in given.items() if name in takes}


def _check_uris(request: RunRequest) -> None:
    """Refuse a request that needs files of this machine, or that lacks its data."""
    config = request.config
    network = config.reference.feature_network
    needs = source(config.data.dataset).needs
    if needs and not config.data.source:
        raise ConfigError(
            f"data.source is needed for {config.data.dataset}: {needs}. Copy it to a bucket and give --set "
            "data.source=gs://... or s3://..., or write it into the config"
        )
    uris = {
        "store (--store)": request.store_uri,
        "data.source": config.data.source,
        "reference.feature_network": None if network == IMAGENET else network,
    }
    for what, uri in uris.items():
        if uri:
            check_reachable_by_pods(what, uri)


def check_reachable_by_pods(what: str, uri: str) -> str:
    """The URI, if pods can read it.

    Raises:
        ConfigError: it names a file or folder of this machine.
    """
    if local_path(uri, what) is not None:
        raise ConfigError(
            f"{what} is {uri}, on this machine, where no pod can read it; copy it to a bucket and give its "
            "gs:// or s3:// URI"
        )
    return uri
