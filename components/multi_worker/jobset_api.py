"""Creates, reads and deletes a group of workers: a JobSet, or an Indexed Job and its service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from components.multi_worker import manifests
from gan.errors import ClusterError, NotFoundError
from gan.types import Json
from gan.util import log

NOT_DELETED = "the workers could not be deleted; Kubernetes deletes them with this pod"


@dataclass(frozen=True)
class Methods:
    """How one object is created from its manifest, read and deleted."""

    create: Callable[..., Any]
    read: Callable[..., Any]
    delete: Callable[..., Any]


class JobSetApi:
    """The objects of the workers of one step.

    Args:
        api: where they are.
        pod: the step's pod, which owns them.
    """

    def __init__(self, api: KubernetesApi, pod: Mapping[str, Any]) -> None:
        self._api = api
        self._pod = pod
        self._maybe_created: list[Methods] = []
        self._forbidden = False
        name, namespace = manifests.name_of(pod), pod["metadata"]["namespace"]
        group, version, plural = manifests.JOBSET
        jobsets = (group, version, namespace, plural)
        self._jobset = Methods(
            partial(api.custom.create_namespaced_custom_object, *jobsets),
            partial(api.custom.get_namespaced_custom_object, *jobsets, name),
            partial(api.custom.delete_namespaced_custom_object, *jobsets, name, propagation_policy="Foreground"),
        )
        self._job = Methods(
            partial(api.batch.create_namespaced_job, namespace),
            partial(api.batch.read_namespaced_job, name, namespace),
            partial(api.batch.delete_namespaced_job, name, namespace, propagation_policy="Foreground"),
        )
        self._service = Methods(
            partial(api.core.create_namespaced_service, namespace),
            partial(api.core.read_namespaced_service, name, namespace),
            partial(api.core.delete_namespaced_service, name, namespace),
        )
        self._group = self._jobset

    def create(self, workers: int, request: Json) -> None:
        """Create a JobSet, or an Indexed Job where JobSet is not installed.

        Raises:
            ClusterError: Kubernetes can't be reached, or refuses.
        """
        name = manifests.name_of(self._pod)
        try:
            if self._create_jobset(manifests.jobset(self._pod, workers, request)):
                log.info(f"{workers} workers train together", jobset=name)
                return
            self._group = self._job
            self._create(self._service, manifests.service(self._pod))
            self._create(self._job, manifests.indexed_job(self._pod, workers, request))
        except (ApiStatusError, NotFoundError) as error:
            raise _refused(error) from None
        log.info(f"{workers} workers train together (JobSet is not installed)", job=name)

    def group(self) -> Json | None:
        """The JobSet or Job as it is now; None if it was deleted.

        Raises:
            ClusterError: it can't be read.
        """
        try:
            return self._api.to_json(self._api.call(self._group.read))
        except NotFoundError:
            return None

    def delete(self) -> bool:
        """Delete what was created, or may have been; whether there was anything to delete."""
        found, self._maybe_created = self._maybe_created, []
        for each in reversed(found):
            try:
                self._api.call(each.delete)
            except NotFoundError:
                continue  # it was never created
            except ClusterError as error:
                if not (self._forbidden and _is(error, HTTPStatus.FORBIDDEN)):
                    log.warning(NOT_DELETED, reason=str(error))
        return bool(found)

    def _create_jobset(self, body: Json) -> bool:
        try:
            self._create(self._jobset, body)
        except NotFoundError:
            return False
        return True

    def _create(self, methods: Methods, body: Json) -> None:
        """Create one object. It is noted before, as the answer may be lost, or the process stopped, after it exists."""
        self._maybe_created.append(methods)
        try:
            self._api.call(methods.create, body)
        except (ApiStatusError, NotFoundError) as error:
            if _is(error, HTTPStatus.CONFLICT) and self._is_ours(methods):
                return  # an earlier attempt of this call created it, and its answer was lost
            if isinstance(error, NotFoundError) or _is(error, HTTPStatus.CONFLICT):
                self._maybe_created.pop()
            self._forbidden = _is(error, HTTPStatus.FORBIDDEN)
            raise

    def _is_ours(self, methods: Methods) -> bool:
        try:
            found = self._api.to_json(self._api.call(methods.read))["metadata"]
        except (ApiStatusError, NotFoundError):
            return False
        return self._pod["metadata"]["uid"] in [each["uid"] for each in found.get("ownerReferences", [])]


def _refused(error: ApiStatusError | NotFoundError) -> ClusterError:
    if isinstance(error, NotFoundError):
        return ClusterError(f"Kubernetes refuses the workers: {error}; fix that and run the same command again")
    if error.status == HTTPStatus.FORBIDDEN:
        return ClusterError(
            f"Kubernetes forbids the workers: {error.detail}. Apply k8s/components/workers, or raise the quota"
        )
    if error.status == HTTPStatus.CONFLICT:
        return ClusterError(
            f"Kubernetes refuses the workers: {error.detail}. That object does not belong to this step's pod: find out "
            "whose it is, delete it, and run the same command again"
        )
    return ClusterError(
        f"Kubernetes refuses the workers (HTTP {error.status}): {error.detail}; fix that and run the same command again"
    )


def _is(error: Exception, status: HTTPStatus) -> bool:
    return isinstance(error, ApiStatusError) and error.status == status
