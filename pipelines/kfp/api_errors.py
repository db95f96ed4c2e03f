"""Errors of the API of Kubeflow Pipelines: what they mean, what to do, and whether to retry."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kfp_server_api import ApiException
from urllib3 import exceptions as http

from components.api_errors import ApiStatusError
from gan.errors import ClusterError, GanError, NotFoundError
from pipelines.kfp.endpoint import Address

TOO_MANY = 429
BUSY, AMBIGUOUS = (TOO_MANY, 502, 503, 504), (500,)
UNSENT = (http.NewConnectionError, http.ConnectTimeoutError, http.NameResolutionError)


class UnsureError(ClusterError):
    """The answer to a request that must not be repeated was lost; it may have been carried out."""


@dataclass(frozen=True)
class FailedRequest:
    """One failed request.

    `transient`: it may succeed when retried; `ambiguous`: it may also be permanent, so it is retried only a few times;
    `unsent`: the request was certainly not carried out, so even one that must not be carried out twice can be retried.
    """

    error: GanError
    transient: bool = False
    ambiguous: bool = False
    unsent: bool = False


def of_answer(error: ApiException, address: Address) -> FailedRequest:
    """An error answer; TLS errors too, which the client reports in the same way."""
    status, host = int(error.status or 0), address.host
    said = _said(error)
    if status in BUSY or status in AMBIGUOUS:
        away = ClusterError(f"{host} answers {status} ({said or error.reason}); look at its pods")
        return FailedRequest(away, transient=True, ambiguous=status in AMBIGUOUS, unsent=status == TOO_MANY)
    if status == 404 and said:
        return FailedRequest(NotFoundError(f"{host} has no such object: {said}; see `gan-pipelines list`"))
    if status == 404:
        return FailedRequest(no_api(host))
    if status == 0:
        message = _tls(host, str(error.reason))
    elif status == 401:
        message = f"{host} rejects the credentials: {_token_problem(address.token_file)}"
    elif status == 403:
        message = _forbidden(address, said)
    elif 300 <= status < 400:
        where = error.headers.get("Location", "elsewhere") if error.headers else "elsewhere"
        message = f"{host} redirects to {where}, perhaps to log in; give --token-file, or the URL of the API itself"
    else:
        message = f"{host} refuses the request ({status}): {said or error.reason}"
    return FailedRequest(ApiStatusError(message, status))


def of_transport(error: http.HTTPError, address: Address) -> FailedRequest:
    """A request without an answer."""
    if isinstance(error, http.LocationParseError):
        return FailedRequest(ClusterError(f"{address.host} is not a valid URL: {error}"))
    if isinstance(error, http.NameResolutionError):
        why = "its name can't be resolved"
    elif isinstance(error, http.NewConnectionError):
        why = "nothing listens there"
    elif isinstance(error, http.ConnectTimeoutError):
        why = "it does not answer"
    elif isinstance(error, http.ReadTimeoutError):
        why = "it took too long to answer"
    else:
        why = f"the connection broke ({_short(error)})"
    message = ClusterError(
        f"{address.host} can't be reached: {why}; check the address, the network and the API server's pod, or give "
        "--port-forward"
    )
    return FailedRequest(message, transient=True, unsent=isinstance(error, UNSENT))


def no_api(host: str) -> ApiStatusError:
    """For an address where something other than the API answers."""
    return ApiStatusError(
        f"{host} has no API of Kubeflow Pipelines 2: it is another service, or a path is missing; give the URL to "
        "which /apis/v2beta1 is added",
        404,
    )


def not_the_api(host: str, kind: str | None) -> ClusterError:
    """For a successful answer that is not the API's, such as a login page."""
    return ClusterError(
        f"{host} answers with {kind or 'nothing'} where Kubeflow Pipelines answers with JSON: it may be another "
        "service, or a login page; give the URL of the API itself, and --token-file where it wants a token"
    )


def _said(error: ApiException) -> str:
    """The API's own message; empty where the answer is not the API's."""
    try:
        tree = json.loads(error.body)
    except (TypeError, ValueError):
        return ""
    if not isinstance(tree, dict):
        return ""
    words = tree.get("message") or tree.get("error") or tree.get("error_message") or ""
    return " ".join(str(words).split())[:600]


def _tls(host: str, reason: str) -> str:
    what = " ".join(reason.split())[:300]
    return f"no TLS connection to {host}: {what}; give --ca-file with its authority, or http:// where it has no TLS"


def _forbidden(address: Address, said: str) -> str:
    whom = f" ({said})" if said else ""
    return (
        f"{address.host} forbids this in the namespace {address.namespace}{whom}; ask for permission, or give your own "
        "--namespace, or the --token-file of somebody who has permission"
    )


def _token_problem(path: Path | None) -> str:
    if path is None:
        return "it wants a token; give --token-file FILE, for example one that `kubectl create token` wrote"
    expired = expiry(path.read_text(encoding="utf-8", errors="replace"))
    now = datetime.now(UTC)
    if expired is not None and expired < now:
        return f"the token in {path} expired at {expired:%Y-%m-%d %H:%M:%S} UTC; write a new one there"
    return f"the token in {path} is wrong, or meant for another audience; write one there that this host accepts"


def expiry(token: str) -> datetime | None:
    """When a JSON web token expires; None for any other token."""
    parts = token.strip().split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
