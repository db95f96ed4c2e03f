"""Lists of the API: page by page, and in the namespace that is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipelines.kfp.connection import Connection

MOST_PER_PAGE = 100


def of_namespace(connection: Connection) -> dict[str, Any]:
    """What a request for a list says of the namespace: nothing where the backend has one user for all."""
    return {"namespace": connection.api_namespace} if connection.api_namespace else {}


def pages(
    connection: Connection, method: Callable[..., Any], *, most: int = MOST_PER_PAGE, **named: Any
) -> Iterator[Any]:
    """Every page of a list.

    Args:
        connection: to the backend.
        method: of a service, such as `connection.runs.run_service_list_runs`.
        most: how many a page has at most.
        named: further arguments of the method.

    Raises:
        ClusterError: the backend can't be reached, or refuses.
    """
    token = ""
    while True:
        page = connection.call(
            method, page_size=min(most, MOST_PER_PAGE), page_token=token, **of_namespace(connection), **named
        )
        yield page
        token = page.next_page_token or ""
        if not token:
            return
