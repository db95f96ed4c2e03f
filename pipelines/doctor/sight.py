"""Looks at Kubernetes, and tells what may not be looked at from what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan.errors import NotFoundError
from pipelines.client.cluster import Cluster
from pipelines.client.faults import AnswerError
from pipelines.doctor.check import NotSeenError

FORBIDDEN = 403


def look(cluster: Cluster, method: Callable[..., Any], *arguments: Any, remedy: str = "") -> Any:
    """What a method of the Kubernetes API returns.

    Raises:
        NotSeenError: it is forbidden to us, which says nothing about the run.
        NotFoundError: there is no such thing; the message ends with `remedy`.
        ClusterError: the API can't be reached, or refuses otherwise.
    """
    try:
        return cluster.call(method, *arguments)
    except NotFoundError as error:
        raise NotFoundError(f"{error}; {remedy}" if remedy else str(error)) from None
    except AnswerError as error:
        if error.status == FORBIDDEN:
            raise NotSeenError(str(error)) from None
        raise
