"""Pipelines on the backend: one of each kind, with one version for each content, named by its hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import kfp_server_api as api

from components.api_errors import ApiStatusError
from gan.errors import NotFoundError
from gan.util.ids import sha256
from gan.util.scratch import scratch_folder
from pipelines.kfp.api_errors import UnsureError
from pipelines.kfp.connection import Connection
from pipelines.kfp.pagination import of_namespace

HASH_DIGITS = 16
EXPERIMENT = "gan-pipelines"


@dataclass(frozen=True)
class PipelineVersion:
    """A pipeline's version on the backend."""

    pipeline_id: str
    version_id: str
    name: str


def version_name(pipeline: str, text: str) -> str:
    """The version name of a pipeline with exactly this YAML."""
    return f"{pipeline}-{sha256(text.encode())[:HASH_DIGITS]}"


def upload(connection: Connection, pipeline: str, text: str, about: str) -> PipelineVersion:
    """Put a compiled pipeline on the backend, unless exactly this text is there already.

    Args:
        connection: to the backend.
        pipeline: its name, such as "training".
        text: the YAML.
        about: a sentence that describes the version.

    Raises:
        ClusterError: the backend can't be reached, or refuses.
    """
    pipeline_id = _pipeline(connection, f"gan-{pipeline}")
    name = version_name(pipeline, text)
    service = connection.pipelines

    def find() -> str | None:
        found = connection.call(
            service.pipeline_service_list_pipeline_versions, pipeline_id, filter=equals("name", name)
        )
        return _first(found.pipeline_versions, "pipeline_version_id")

    def create() -> Any:
        with scratch_folder() as folder:
            path = folder / "pipeline.yaml"
            path.write_text(text, encoding="utf-8")
            send = connection.uploads.upload_pipeline_version
            named: dict[str, Any] = {"name": name, "pipelineid": pipeline_id, "description": about}
            return connection.call(send, str(path), **named, repeatable=False).pipeline_version_id

    return PipelineVersion(pipeline_id, _find_or_create(find, create), name)


def description_of(connection: Connection, reference: Any) -> str:
    """The `about` that a version was uploaded with; empty where the version is gone.

    Args:
        connection: to the backend.
        reference: of the version, from a run or recurring run; None where that has none.

    Raises:
        ClusterError: the backend can't be reached, or refuses.
    """
    if reference is None:
        return ""
    service = connection.pipelines
    try:
        found = connection.call(
            service.pipeline_service_get_pipeline_version, reference.pipeline_id, reference.pipeline_version_id
        )
    except NotFoundError:
        return ""
    return str(found.description or "")


def experiment(connection: Connection, name: str = EXPERIMENT) -> str:
    """The id of the experiment of this name, which is created if missing.

    Raises:
        ClusterError: the backend can't be reached, or refuses.
    """
    service = connection.experiments

    def find() -> str | None:
        found = connection.call(
            service.experiment_service_list_experiments, filter=equals("name", name), **of_namespace(connection)
        )
        return _first(found.experiments, "experiment_id")

    def create() -> Any:
        body = api.V2beta1Experiment(display_name=name, namespace=connection.api_namespace)
        return connection.call(service.experiment_service_create_experiment, body, repeatable=False).experiment_id

    return _find_or_create(find, create)


def _pipeline(connection: Connection, name: str) -> str:
    service = connection.pipelines

    def find() -> str | None:
        found = connection.call(
            service.pipeline_service_list_pipelines, filter=equals("name", name), **of_namespace(connection)
        )
        return _first(found.pipelines, "pipeline_id")

    def create() -> Any:
        body = api.V2beta1Pipeline(name=name, display_name=name, namespace=connection.api_namespace)
        return connection.call(service.pipeline_service_create_pipeline, body, repeatable=False).pipeline_id

    return _find_or_create(find, create)


def _find_or_create(find: Callable[[], str | None], create: Callable[[], Any]) -> str:
    """The id of an object that must exist once, also if somebody else creates it at the same time."""
    found = find()
    if found is not None:
        return found
    try:
        return str(create())
    except (UnsureError, ApiStatusError):  # refused, perhaps because somebody else has just created it
        found = find()
        if found is None:
            raise
        return found


def _first(found: Sequence[Any] | None, key: str) -> str | None:
    return next((str(getattr(each, key)) for each in found or []), None)


def equals(key: str, value: str) -> str:
    """A filter of the API: objects whose `key` is `value`."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": key, "stringValue": value}]})
