"""Lists of the API: page by page, and within our namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipelines.kfp.connection import Connection

MAX_PAGE_SIZE = 100


def of_namespace(connection: Connection) -> dict[str, Any]:
    """The namespace argument of list requests; none where the backend has a single user."""
    return {"namespace": connection.api_namespace} if connection.api_namespace else {}


def pages(
    connection: Connection, method: Callable[..., Any], *, page_size: int = MAX_PAGE_SIZE, **named: Any
) -> Iterator[Any]:
    """Every page of a list.

    Args:
        connection: to the backend.
        method: of a service, such as `connection.runs.run_service_list_runs`.
        page_size: how many a page has at most.
        named: further arguments of the method.

    Raises:
        ClusterError: the backend can't be reached, or refuses.
    """
    token = ""
    while True:
        page = connection.call(
            method, page_size=min(page_size, MAX_PAGE_SIZE), page_token=token, **of_namespace(connection), **named
        )
        yield page
        token = page.next_page_token or ""
        if not token:
            return
