"""One check and what it found; how checks are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from gan.errors import GanError
from gan.types import Json

NOT_TRIED = "not tried"


@dataclass(frozen=True)
class DoctorCheck:
    """What one check found. `ok` is None where it was not tried."""

    name: str
    ok: bool | None
    found: str

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


class InconclusiveError(GanError):
    """Something that is not ours to look at, and may be well: no failure."""


def tried(name: str, trial: Callable[[], str]) -> DoctorCheck:
    """One trial. It returns what it found, and raises an error of ours where something is wrong."""
    try:
        return DoctorCheck(name, True, trial())
    except InconclusiveError as error:
        return DoctorCheck(name, None, f"not seen: {error}")
    except GanError as error:
        return DoctorCheck(name, False, str(error))


def in_order(trials: Iterable[tuple[str, Callable[[], str]]]) -> list[DoctorCheck]:
    """Trials of which each stands on those before it: after the first failure none is tried."""
    checks: list[DoctorCheck] = []
    for name, trial in trials:
        failed = any(check.ok is False for check in checks)
        checks.append(DoctorCheck(name, None, NOT_TRIED) if failed else tried(name, trial))
    return checks
