"""The URL of the webhook for notifications: from a variable, or from a file as which a Secret is mounted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gan.errors import ConfigError
from gan.steps.notify import URL

FILE = "GAN_WEBHOOK_FILE"


def webhook_url(environment: Mapping[str, str]) -> str | None:
    """The URL in GAN_WEBHOOK_URL, else in the file that GAN_WEBHOOK_FILE names, else None.

    Raises:
        ConfigError: the file can't be read.
    """
    url, file = environment.get(URL), environment.get(FILE)
    if not url and file:
        try:
            url = Path(file).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{FILE} is {file}, which can't be read: {error}") from None
    return url or None
