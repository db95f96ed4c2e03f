"""The Kubernetes API of one namespace; its errors are those of `gan.errors`, with what to do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import kubernetes
import urllib3
from kubernetes.client import ApiException

from components.api_errors import ApiStatusError
from components.runtime.pod_metadata import RUN_ID_LABEL
from gan.errors import ClusterError, NotFoundError
from gan.types import Json
from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError

TIMEOUTS_SECONDS = (10, 60)
RETRY_INTERVAL_SECONDS = 2.0


class UnreachableError(ClusterError):
    """The API did not answer; `detail` says how."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class KubernetesApi:
    """`core`, `apps`, `batch`, `custom` and `authorization` are its services, to be called through `call`.

    Args:
        client: the ApiClient, without retries of its own.
        namespace: of the objects.
        max_outage_seconds: how long `call` retries while the API does not answer; 0 for not at all.
        sleep: passes the time between two attempts.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        client: Any,
        namespace: str,
        *,
        max_outage_seconds: float = 0.0,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.namespace = namespace
        self.host = str(client.configuration.host)
        self.core = kubernetes.client.CoreV1Api(client)
        self.apps = kubernetes.client.AppsV1Api(client)
        self.batch = kubernetes.client.BatchV1Api(client)
        self.custom = kubernetes.client.CustomObjectsApi(client)
        self.authorization = kubernetes.client.AuthorizationV1Api(client)
        self._retry = RetryPolicy(
            max_outage_seconds, RETRY_INTERVAL_SECONDS, RETRY_INTERVAL_SECONDS, clock=clock, sleep=sleep
        )

    def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a method of a service returns.

        Raises:
            NotFoundError: no such object.
            ApiStatusError: the API refused.
            ClusterError: it can't be reached.
        """
        named.setdefault("_request_timeout", TIMEOUTS_SECONDS)

        def attempt() -> Any:
            try:
                with translated_errors(self.host):
                    return method(*arguments, **named)
            except (ApiStatusError, UnreachableError) as error:
                if is_transient(error):
                    raise TransientError(error.detail) from error
                raise

        try:
            return self._retry.call(attempt)
        except RetriesExhaustedError as error:
            if not self._retry.deadline_seconds:
                raise error.cause from None
            raise ClusterError(
                f"Kubernetes did not answer for {error.seconds:.0f} s: {error}; run the same command again when it does"
            ) from None

    def to_json(self, found: Any) -> Json:
        """An object of the client as JSON."""
        plain: Json = self.client.sanitize_for_serialization(found)
        return plain

    def pods(self, run_id: str) -> list[Any]:
        """Every pod of a run that still exists."""
        return self.list_objects(self.core.list_namespaced_pod, f"{RUN_ID_LABEL}={run_id}")

    def list_objects(self, method: Callable[..., Any], selector: str) -> list[Any]:
        """The objects in the namespace that a label selector matches; `method` lists their kind."""
        return list(self.call(method, self.namespace, label_selector=selector).items)

    def list_custom_objects(self, group: str, version: str, plural: str, selector: str = "") -> list[Json]:
        """The custom objects in the namespace that a label selector matches; none where their kind is not installed."""
        method = self.custom.list_namespaced_custom_object
        try:
            found = self.call(method, group, version, self.namespace, plural, label_selector=selector)
        except NotFoundError:
            return []
        return list(found["items"])


def is_transient(error: ApiStatusError | UnreachableError) -> bool:
    """Whether a request that failed so may succeed later."""
    return isinstance(error, UnreachableError) or error.status in (0, 429) or error.status >= 500


@contextmanager
def translated_errors(host: str) -> Iterator[None]:
    """Raises what the client of Kubernetes raises as NotFoundError, ApiStatusError or UnreachableError."""
    try:
        yield
    except ApiException as error:
        raise _translated(host, error) from None
    except urllib3.exceptions.HTTPError as error:
        detail = " ".join(str(error).split())[:300]
        raise UnreachableError(
            f"Kubernetes at {host} can't be reached: {detail}; check that KUBECONFIG names the right cluster, and that "
            "it is up",
            detail,
        ) from None


def _translated(host: str, error: ApiException) -> ApiStatusError | NotFoundError:
    said, status = _detail(error), int(error.status or 0)
    if status == 404:
        return NotFoundError(f"Kubernetes at {host} has no such object: {said}")
    if status == 0:  # this is how the client reports TLS errors
        message = f"no secure connection to Kubernetes at {host}: {said}; fix the kubeconfig's certificate authority"
    elif status == 401:
        message = f"Kubernetes at {host} rejects the kubeconfig's credentials: wrong or expired; renew them"
    elif status == 403:
        message = f"Kubernetes at {host} forbids it: {said}; ask for that permission"
    else:
        message = f"Kubernetes at {host} refuses ({status}): {said}"
    return ApiStatusError(message, status, said)


def _detail(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return " ".join(str(error.reason).split())[:300]
