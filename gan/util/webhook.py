"""Posts a message to a webhook that accepts Slack's format: Slack, Mattermost, Rocket.Chat, Google Chat, ntfy and more.

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
from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError

TIMEOUT_SECONDS = 10.0
DEADLINE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 1.0
TRANSIENT_STATUSES = frozenset({408, 425, 429, *range(500, 600)})


def host_of(url: str) -> str:
    """Scheme and host of a webhook's URL, which are not secret.

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
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Post `{"text": text}`; transient failures are retried until the deadline.

    Returns:
        None once it was delivered, else what failed, in a sentence without the URL.

    Raises:
        ConfigError: `url` is not an http or https URL.
    """
    host = host_of(url)
    policy = RetryPolicy(deadline_seconds, FIRST_PAUSE_SECONDS, deadline_seconds, clock=clock, sleep=sleep)
    try:
        policy.call(lambda: _post_once(url, text))
    except (RetriesExhaustedError, _RejectedError) as error:
        return f"the webhook at {host} did not take it: {error}"
    return None


class _RejectedError(Exception):
    """The webhook refuses the message, and would do so again."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would turn the POST into a GET and send the secret elsewhere."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _post_once(url: str, text: str) -> None:
    request = urllib.request.Request(  # noqa: S310  # `host_of` checked the scheme
        url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            kind = TransientError if error.code in TRANSIENT_STATUSES else _RejectedError
            raise kind(f"it answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise TransientError(f"it can't be reached ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"the connection broke ({type(error).__name__})") from None
    except ValueError:
        raise _RejectedError("its URL is not valid") from None
