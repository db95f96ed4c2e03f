"""Moments as the sources give them, and the seconds between two of them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str) -> datetime | None:
    """A moment from ISO 8601 in UTC; None for none."""
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def seconds_between(began: datetime | None, ended: datetime | None) -> float:
    """Seconds from one moment to another, or until now; 0 where the first is not known."""
    if began is None:
        return 0.0
    return max(((ended or datetime.now(UTC)) - began).total_seconds(), 0.0)


def human(seconds: float | None) -> str:
    """A time as people read it.

    Examples:
        >>> [human(59.4), human(754), human(7500)]
        ['59 s', '12 min 34 s', '2 h 5 min']
    """
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
