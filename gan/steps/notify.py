"""The notify step: tell a webhook what came of a run."""

from __future__ import annotations

from collections.abc import Callable

from gan.config import Retrain
from gan.report.message import NOTHING_NEW, Notification, message
from gan.result import StepResult, Stopwatch
from gan.util.log import warn
from gan.util.webhook import host_of, post

URL = "GAN_WEBHOOK_URL"


def notify(
    facts: Notification, options: Retrain, url: str | None, *, send: Callable[[str, str], str | None] = post
) -> StepResult:
    """Post a message on a run, unless the config wants none or there is no webhook.

    A webhook that does not answer fails nothing: the generator is live all the same. The outcome says so, and `status`
    and the log show it.

    Args:
        facts: what to tell.
        options: which events to tell, and in which words.
        url: of the webhook, a secret; None where there is none.
        send: posts a text to a URL and returns what kept it.

    Returns:
        The event as id, and the webhook's host as URI; details: event, reasons, text, delivered, and why_not, which is
        None where it was delivered.

    Raises:
        ConfigError: the template or the URL is wrong.
    """
    watch = Stopwatch()
    text = message(facts, options.message)
    why_not = _unwanted(facts, options, url)
    if why_not is None and url:
        problem = send(url, text)
        if problem is not None:
            warn("nobody was notified", reason=problem)
            why_not = problem
    details = {
        "event": facts.event,
        "reasons": list(facts.reasons),
        "text": text,
        "delivered": why_not is None,
        "why_not": why_not,
    }
    return StepResult(facts.event, host_of(url) if url else "", watch.seconds(), details=details)


def _unwanted(facts: Notification, options: Retrain, url: str | None) -> str | None:
    if options.notify == "off":
        return "retrain.notify is off"
    if options.notify == "news" and facts.event == NOTHING_NEW:
        return 'retrain.notify is "news", and this is none'
    if not url:
        return f"no webhook is known: {URL} is not set (on a cluster: by the Secret gan-notify)"
    return None
