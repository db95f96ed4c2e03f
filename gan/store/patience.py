"""How long work that can wait for an unreachable store waits for it."""

from __future__ import annotations

import os

from gan.errors import ConfigError

PATIENCE = "GAN_STORE_PATIENCE_SECONDS"
DEFAULT_SECONDS = 600.0


def patience_seconds() -> float:
    """What GAN_STORE_PATIENCE_SECONDS says, by default 600.

    Raises:
        ConfigError: that is no number from 0 on.
    """
    text = os.environ.get(PATIENCE, str(DEFAULT_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise ConfigError(f'{PATIENCE} must be a number of seconds from 0 on, such as 600; got "{text}"')
    return seconds
