"""How long work that can wait for an unreachable store waits for it."""

from __future__ import annotations

from gan.util.env import number

PATIENCE = "GAN_STORE_PATIENCE_SECONDS"
DEFAULT_SECONDS = 600.0


def patience_seconds() -> float:
    """What GAN_STORE_PATIENCE_SECONDS says, by default 600.

    Raises:
        ConfigError: that is no number from 0 on.
    """
    return number(PATIENCE, DEFAULT_SECONDS, "seconds", or_zero=True)
