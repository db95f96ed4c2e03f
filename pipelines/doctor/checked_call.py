"""Calls to Kubernetes that are inconclusive where we lack the permission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from gan.errors import NotFoundError
from pipelines.doctor.check import InconclusiveError


@contextmanager
def inconclusive_if_forbidden(remedy: str = "") -> Iterator[None]:
    """Raises InconclusiveError where a call is forbidden; a NotFoundError ends with `remedy`."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(f"{error}; {remedy}" if remedy else str(error)) from None
    except ApiStatusError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            raise InconclusiveError(str(error)) from None
        raise


def checked_call(cluster: KubernetesApi, method: Callable[..., Any], *arguments: Any, remedy: str = "") -> Any:
    """What a method of the Kubernetes API returns.

    Raises:
        InconclusiveError: it is forbidden to us, which says nothing about the run.
        NotFoundError: there is no such object; the message ends with `remedy`.
        ClusterError: the API can't be reached, or refuses otherwise.
    """
    with inconclusive_if_forbidden(remedy):
        return cluster.call(method, *arguments)
