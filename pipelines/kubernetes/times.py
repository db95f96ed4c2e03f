"""Times as the sources give them, and durations."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(text: str) -> datetime | None:
    """A time in ISO 8601, UTC unless it names a zone; None where it is not one."""
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def seconds_between(began: datetime | None, ended: datetime | None) -> float:
    """Seconds from one time to another, or until now; 0 where the first is unknown."""
    if began is None:
        return 0.0
    return max(((ended or datetime.now(UTC)) - began).total_seconds(), 0.0)
