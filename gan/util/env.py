"""Numbers from environment variables."""

from __future__ import annotations

import math
import os

from gan.errors import ConfigError


def env_float(name: str, default: float, unit: str, *, or_zero: bool = False) -> float:
    """The value of the variable `name`, or `default` if it is not set.

    Args:
        name: of the variable.
        default: also the example in the message.
        unit: in the plural, such as "seconds".
        or_zero: whether 0 is allowed.

    Raises:
        ConfigError: it is not a finite number, or too small.
    """
    text = os.environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 <= value < math.inf if or_zero else 0 < value < math.inf):
        minimum = "at least 0" if or_zero else "above 0"
        raise ConfigError(f'{name} must be a number of {unit}, {minimum}, such as {default:g}; got "{text}"')
    return value
