"""A check, its result, and how checks are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from gan.errors import GanError
from gan.types import Json

NOT_TRIED = "not tried"


@dataclass(frozen=True)
class DoctorCheck:
    """The result of one check. `ok` is None where it was skipped or inconclusive."""

    name: str
    ok: bool | None
    found: str

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


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
