"""Numbers, sizes and durations as people read them, and durations as people write them."""

from __future__ import annotations

import math
import re
from typing import Any

from gan.errors import ConfigError

SIZES = ("B", "KB", "MB", "GB", "TB")
DECIMALS = ((1000, 0), (10, 1), (1, 2), (0.1, 3), (0, 4))
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")


def format_value(value: Any, *, absent: str = "none") -> str:
    """A float as `format_score` has it; `absent` for None; anything else as it is.

    Examples:
        >>> format_value(0.123456), format_value(1200), format_value(None, absent="-")
        ('0.1235', '1200', '-')
    """
    if value is None:
        return absent
    return format_score(value) if isinstance(value, float) else str(value)


def format_score(value: float | None) -> str:
    """A number with four significant digits; a dash for None.

    Examples:
        >>> format_score(3), format_score(17.9153), format_score(1.23456e-5), format_score(None)
        ('3', '17.92', '1.235e-05', '-')
    """
    return "-" if value is None else f"{value:.4g}"


def format_interval(low: float, high: float) -> str:
    """The ends of a score's interval.

    Examples:
        >>> format_interval(17.123, 18.5678)
        '17.12 to 18.57'
    """
    return f"{format_score(low)} to {format_score(high)}"


def format_number(value: float) -> str:
    """A number with three significant digits; whole numbers as such.

    Examples:
        >>> [format_number(each) for each in (1234.0, 12.34, 0.83, 0.0193, 1.2e-5)]
        ['1,234', '12.3', '0.830', '0.0193', '1.2e-05']
    """
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if value == 0 or (size >= 1 and float(value).is_integer()):
        return f"{value:,.0f}"
    if size < 1e-4:
        return f"{value:.1e}"
    decimals = next(places for smallest, places in DECIMALS if size >= smallest)
    return f"{value:,.{decimals}f}"


def format_percent(share: float) -> str:
    """A share in [0, 1] as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def format_bytes(count: int) -> str:
    """A number of bytes.

    Examples:
        >>> format_bytes(999), format_bytes(1234567)
        ('999 B', '1.23 MB')
    """
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {SIZES[unit]}"


def format_duration(seconds: float | None) -> str:
    """A time; a dash for None.

    Examples:
        >>> [format_duration(each) for each in (59.4, 754, 7500, None)]
        ['59 s', '12 min 34 s', '2 h 5 min', '-']
    """
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def parse_duration(text: str, flag: str) -> float:
    """The seconds of a duration such as 90s, 30m, 24h or 90d.

    Examples:
        >>> parse_duration("1.5h", "--grace")
        5400.0

    Raises:
        ConfigError: it is not a duration; `flag` is where it was given.
    """
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ConfigError(f'{flag} must be a number followed by s, m, h or d, such as 24h or 90d, or 0; got "{text}"')
    return float(found[1]) * _SECONDS[found[2]]
