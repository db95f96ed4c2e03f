"""How long work that can wait for an unreachable store waits for it."""

from __future__ import annotations

from gan.util.env import env_float

RETRY_TIMEOUT = "GAN_STORE_PATIENCE_SECONDS"
DEFAULT_SECONDS = 600.0


def retry_timeout_seconds() -> float:
    """What GAN_STORE_PATIENCE_SECONDS says, by default 600.

    Raises:
        ConfigError: that is no number from 0 on.
    """
    return env_float(RETRY_TIMEOUT, DEFAULT_SECONDS, "seconds", or_zero=True)
