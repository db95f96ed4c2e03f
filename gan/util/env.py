"""Numbers that the environment gives."""

from __future__ import annotations

import math
import os

from gan.errors import ConfigError


def env_float(name: str, default: float, of: str, *, or_zero: bool = False) -> float:
    """What the variable `name` says, or `default` where it is not set.

    Args:
        name: of the variable.
        default: what most people want; named as the example in the message.
        of: what is counted, in the plural: "seconds".
        or_zero: whether 0 is allowed too.

    Raises:
        ConfigError: it is no number, not finite, or too small.
    """
    text = os.environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 <= value < math.inf if or_zero else 0 < value < math.inf):
        least = "from 0 on" if or_zero else "above 0"
        raise ConfigError(f'{name} must be a number of {of} {least}, such as {default:g}; got "{text}"')
    return value
