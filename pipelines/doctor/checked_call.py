"""Looks at Kubernetes, and tells what may not be looked at from what is wrong."""

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
def in_sight(remedy: str = "") -> Iterator[None]:
    """What is forbidden to us is not seen; an error about what is not there ends with `remedy`."""
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
        NotSeenError: it is forbidden to us, which says nothing about the run.
        NotFoundError: there is no such thing; the message ends with `remedy`.
        ClusterError: the API can't be reached, or refuses otherwise.
    """
    with in_sight(remedy):
        return cluster.call(method, *arguments)
