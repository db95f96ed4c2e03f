"""How long work waits for an unreachable store, where it can wait."""

from __future__ import annotations

from gan.util.env import env_float

RETRY_TIMEOUT = "GAN_STORE_PATIENCE_SECONDS"
DEFAULT_SECONDS = 600.0


def retry_timeout_seconds() -> float:
    """The value of GAN_STORE_PATIENCE_SECONDS, by default 600.

    Raises:
        ConfigError: it is not a number of at least 0.
    """
    return env_float(RETRY_TIMEOUT, DEFAULT_SECONDS, "seconds", or_zero=True)
