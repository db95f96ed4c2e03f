"""The notify step: post the outcome of a run to a webhook."""

from __future__ import annotations

from collections.abc import Callable

from gan.config import Retrain
from gan.report.message import NOTHING_NEW, Notification, message
from gan.result import StepResult, Stopwatch
from gan.util import log
from gan.util.webhook import host_of, post

URL = "GAN_WEBHOOK_URL"


def notify(
    notification: Notification, options: Retrain, url: str | None, *, send: Callable[[str, str], str | None] = post
) -> StepResult:
    """Post a message about a run, unless the config disables it or there is no webhook.

    A webhook that does not answer is not a failure, since the generator is live anyway; the result and the log report
    it.

    Args:
        notification: the content.
        options: which events to post, and the message template.
        url: of the webhook, a secret; None for none.
        send: posts a text to a URL and returns the problem, or None.

    Returns:
        The event as id, and the webhook's host as URI; details: event, reasons, text, delivered, and why_not, which is
        None if it was delivered.

    Raises:
        ConfigError: the template or the URL is wrong.
    """
    watch = Stopwatch()
    text = message(notification, options.message)
    skip_reason = _skip_reason(notification, options, url)
    if skip_reason is None and url:
        problem = send(url, text)
        if problem is not None:
            log.warning("nobody was notified", reason=problem)
            skip_reason = problem
    details = {
        "event": notification.event,
        "reasons": list(notification.reasons),
        "text": text,
        "delivered": skip_reason is None,
        "why_not": skip_reason,
    }
    return StepResult(notification.event, host_of(url) if url else "", watch.seconds(), details=details)


def _skip_reason(notification: Notification, options: Retrain, url: str | None) -> str | None:
    if options.notify == "off":
        return "retrain.notify is off"
    if options.notify == "news" and notification.event == NOTHING_NEW:
        return 'retrain.notify is "news", and nothing is new'
    if not url:
        return f"there is no webhook: {URL} is not set (on a cluster: by the Secret gan-notify)"
    return None
