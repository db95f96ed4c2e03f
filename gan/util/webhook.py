"""Posts a message to a Slack-compatible webhook: Slack, Mattermost, Rocket.Chat, Google Chat, ntfy and others.

The URL is a secret: messages, errors and records contain only its host.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

from gan.errors import ConfigError

TIMEOUT_SECONDS = 10.0
DEADLINE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 1.0
AGAIN = frozenset({408, 425, 429, *range(500, 600)})


def host_of(url: str) -> str:
    """The scheme and host of a webhook's URL, which are not secret.

    Raises:
        ConfigError: it is not an http or https URL.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urllib.parse.SplitResult("", "", "", "", ""), None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError("GAN_WEBHOOK_URL must be an http:// or https:// URL (value not shown: it is a secret)")
    return f"{parts.scheme}://{host}"


def post(
    url: str,
    text: str,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Post `{"text": text}`, again after what passes until the deadline.

    Returns:
        None once it was delivered, else what kept it, in a sentence without the URL.

    Raises:
        ConfigError: `url` is not an http or https URL.
    """
    host, began, wait = host_of(url), clock(), FIRST_PAUSE_SECONDS
    while True:
        problem, again = _once(url, text)
        if problem is None:
            return None
        if not again or clock() - began + wait > deadline_seconds:
            return f"the webhook at {host} did not take it: {problem}"
        pause(wait)
        wait *= 2


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would turn the POST into a GET and send the secret elsewhere."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _once(url: str, text: str) -> tuple[str | None, bool]:
    """What kept the message, None for nothing; and whether to try again."""
    request = urllib.request.Request(  # noqa: S310  # `host_of` checked the scheme
        url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
            return None, False
    except urllib.error.HTTPError as error:
        with error:
            return f"it answered {error.code} {error.reason}", error.code in AGAIN
    except urllib.error.URLError as error:
        return f"it can't be reached ({error.reason})", True
    except (OSError, http.client.HTTPException) as error:
        return f"it broke off ({type(error).__name__})", True
    except ValueError:
        return "its URL is not one that can be asked", False
