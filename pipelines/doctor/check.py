"""A check, its result, and how checks are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from components.api_errors import ApiStatusError
from components.kubernetes.api import KubernetesApi
from gan.errors import GanError, NotFoundError

NOT_TRIED = "not tried"


@dataclass(frozen=True)
class DoctorCheck:
    """The result of one check. `ok` is None where it was skipped or inconclusive."""

    name: str
    ok: bool | None
    found: str


class InconclusiveError(GanError):
    """We may not read this, so the check is inconclusive; not a failure."""


def run_check(name: str, check: Callable[[], str]) -> DoctorCheck:
    """The result of one check, which returns what it found, and raises a GanError where something is wrong."""
    try:
        return DoctorCheck(name, True, check())
    except InconclusiveError as error:
        return DoctorCheck(name, None, f"inconclusive: {error}")
    except GanError as error:
        return DoctorCheck(name, False, str(error))


def run_in_order(named_checks: Iterable[tuple[str, Callable[[], str]]]) -> list[DoctorCheck]:
    """The results of checks that depend on those before them: after the first failure the others are skipped."""
    results: list[DoctorCheck] = []
    for name, check in named_checks:
        failed = any(result.ok is False for result in results)
        results.append(DoctorCheck(name, None, NOT_TRIED) if failed else run_check(name, check))
    return results


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
