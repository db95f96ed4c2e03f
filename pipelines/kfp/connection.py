"""A connection to the API of Kubeflow Pipelines: retries transient errors, and says what to do about others."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kfp_server_api as api
from urllib3.exceptions import HTTPError

from components.api_errors import ApiStatusError
from gan.errors import ClusterError, GanError, NotFoundError
from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError
from pipelines.kfp import api_errors
from pipelines.kfp.api_errors import FailedRequest, UnsureError
from pipelines.kfp.client_settings import configuration
from pipelines.kfp.endpoint import Address

OLDEST_VERSION = (2, 14)
TIMEOUTS_SECONDS = (10, 60)  # to connect, to be answered
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 10.0


@dataclass(frozen=True)
class MaxOutage:
    """How long requests are retried while the API does not answer: when connecting, and afterwards.

    A restart of the API server takes about half a minute.
    """

    connect_seconds: float = 10.0
    seconds: float = 180.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Connection:
    """The API at an address. `runs`, `pipelines`, `uploads`, `experiments` and `schedules` are its services.

    `host` and `namespace` are those of the address; `version` is the backend's, None where it gives none; `multi_user`:
    each request must name the namespace, as `api_namespace` has it.
    """

    def __init__(self, address: Address, max_outage: MaxOutage, *, forwarded: bool = False) -> None:
        self.address = address
        self._forwarded = forwarded
        self.host, self.namespace = address.host, address.namespace
        self.version: str | None = None
        self.multi_user = False
        self._max_outage = max_outage
        self.client = api.ApiClient(configuration(address))
        self.runs = api.RunServiceApi(self.client)
        self.pipelines = api.PipelineServiceApi(self.client)
        self.uploads = api.PipelineUploadServiceApi(self.client)
        self.experiments = api.ExperimentServiceApi(self.client)
        self.schedules = api.RecurringRunServiceApi(self.client)

    @property
    def api_namespace(self) -> str | None:
        """The namespace to name in requests; a backend with a single user takes none."""
        return self.namespace if self.multi_user else None

    def run_url(self, run_id: object) -> str:
        """The UI's page of a run; empty where the host is a port forwarded for this command only."""
        return "" if self._forwarded else f"{self.host}/#/runs/details/{run_id}"

    def get(self, path: str, **named: Any) -> Any:
        """The JSON at a path without a service method; arguments and errors as with `call`."""
        return self.call(
            self.client.call_api,
            path,
            "GET",
            response_type="object",
            _return_http_data_only=True,
            header_params={"Accept": "application/json"},
            **named,
        )

    def call(
        self,
        method: Callable[..., Any],
        *arguments: Any,
        repeatable: bool = True,
        retry_seconds: float | None = None,
        **named: Any,
    ) -> Any:
        """What a method of a service returns.

        Args:
            method: such as `connection.runs.run_service_get_run`.
            arguments: of the method.
            repeatable: False where carrying the request out twice would do harm, as when creating a run.
            retry_seconds: how long to retry while the API does not answer; by default as the connection was made.
            named: further arguments of the method.

        Raises:
            UnsureError: the answer to a request that is not repeatable was lost; check what happened.
            NotFoundError: no such run, pipeline, version or schedule.
            ClusterError: the API can't be reached, or refused.
        """
        limit = self._max_outage
        policy = RetryPolicy(
            limit.seconds if retry_seconds is None else retry_seconds,
            FIRST_PAUSE_SECONDS,
            MAX_PAUSE_SECONDS,
            clock=limit.clock,
            sleep=limit.sleep,
        )

        def attempt() -> Any:
            result = self._try(method, arguments, named)
            if isinstance(result, _Answer):
                return result.answer
            if not result.transient:
                raise result.error
            if not result.unsent and not repeatable:
                raise UnsureError(f"{result.error}; the answer was lost, so the request may have been carried out")
            raise TransientError(str(result.error), ambiguous=result.ambiguous) from result.error

        try:
            return policy.call(attempt)
        except RetriesExhaustedError as error:
            raise error.cause from None

    def _try(self, method: Callable[..., Any], arguments: Any, named: dict[str, Any]) -> _Answer | FailedRequest:
        try:
            self._set_token()
            answer = method(*arguments, _request_timeout=TIMEOUTS_SECONDS, **named)
        except api.ApiException as error:
            return api_errors.of_answer(error, self.address)
        except HTTPError as error:
            return api_errors.of_transport(error, self.address)
        except (ValueError, TypeError, AttributeError) as error:
            if isinstance(error.__context__, api.ApiException):  # the client fails on an error without a body
                return api_errors.of_answer(error.__context__, self.address)
            if isinstance(error, api.ApiTypeError | api.ApiValueError) or self._content_type() in _JSON:
                raise  # a wrong call is a bug
            return FailedRequest(api_errors.not_the_api(self.host, self._content_type()))
        if self._content_type() not in _JSON:
            return FailedRequest(api_errors.not_the_api(self.host, self._content_type()))
        return _Answer(answer)

    def _set_token(self) -> None:
        path = self.address.token_file
        if path is None:
            return
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ClusterError(f"the token in {path} can't be read: {error}; write one there") from None
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ClusterError(f"{path} must hold a token, one word and nothing else; write one there")
        self.client.set_default_header("Authorization", f"Bearer {token}")

    def _content_type(self) -> str | None:
        last = getattr(self.client, "last_response", None)
        kind = last.getheader("content-type") if last is not None else None
        return kind.partition(";")[0].strip().lower() if kind else None


@dataclass(frozen=True)
class _Answer:
    answer: Any


_JSON = ("application/json",)


@contextmanager
def connect(address: Address, max_outage: MaxOutage | None = None) -> Iterator[Connection]:
    """A connection to an API that has answered.

    Raises:
        ClusterError: it can't be reached, refuses us, is not an API of Kubeflow Pipelines, or is too old.
    """
    max_outage = max_outage or MaxOutage()
    with _forwarded(address) as reached:
        connection = Connection(reached, max_outage, forwarded=address.port_forward)
        try:
            _check_version(connection, max_outage.connect_seconds)
            yield connection
        finally:
            connection.client.rest_client.pool_manager.clear()


@contextmanager
def _forwarded(address: Address) -> Iterator[Address]:
    if not address.port_forward:
        yield address
        return
    from pipelines.kubernetes.port_forward import forwarded_url

    with forwarded_url(address.namespace) as url:
        yield dataclasses.replace(address, port_forward=False, host=url)


def _check_version(connection: Connection, retry_seconds: float) -> None:
    """Read version and user mode; a backend of Kubeflow Pipelines 1 has only the older of the two paths."""
    health = _health(connection, "v2beta1", retry_seconds)
    version = _health(connection, "v1beta1", retry_seconds)
    said = version.get("tag_name") if isinstance(version, dict) else None
    connection.version = str(said) if said else None
    numbers = re.match(r"v?(\d+)\.(\d+)", connection.version or "")
    old = numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST_VERSION
    if old or (isinstance(health, GanError) and not isinstance(version, GanError)):
        raise ClusterError(
            f"{connection.host} is Kubeflow Pipelines {connection.version or '1'}, and the oldest supported is "
            f"{OLDEST_VERSION[0]}.{OLDEST_VERSION[1]}; upgrade it, or give the --host of a newer one"
        )
    if isinstance(health, GanError):
        raise health
    connection.multi_user = bool(health.get("multi_user"))


def _health(connection: Connection, generation: str, retry_seconds: float) -> dict[str, Any] | GanError:
    """The health record of the API; an error where it has no such path."""
    try:
        found = connection.get(f"/apis/{generation}/healthz", retry_seconds=retry_seconds)
    except NotFoundError:
        return api_errors.no_api(connection.host)
    except ApiStatusError as error:
        if error.status in (404, 405, 501):
            return error
        raise
    return found if isinstance(found, dict) else {}
