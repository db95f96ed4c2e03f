"""Durations as people write them: 90s, 30m, 24h, 90d."""

from __future__ import annotations

import re

from gan.errors import ConfigError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")


def seconds(text: str, flag: str) -> float:
    """The seconds of a duration.

    Examples:
        >>> seconds("1.5h", "--grace")
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
