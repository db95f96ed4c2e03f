from __future__ import annotations

import pytest

from gan.config import Retrain
from gan.errors import ConfigError
from gan.report.message import Notification
from gan.steps.notify import notify

URL = "https://hooks.example.com/services/secret"
QUIET = Notification("nothing new", "faces", reasons=("the data are those of the live generator",))
FAILED = Notification("failed", "faces", step="train", exit_code=8, reasons=("loss is nan",))


class Sent:
    """Records what would be posted, and returns a given answer."""

    def __init__(self, problem: str | None = None) -> None:
        self.texts: list[str] = []
        self._problem = problem

    def __call__(self, url: str, text: str) -> str | None:
        assert url == URL
        self.texts.append(text)
        return self._problem


def test_the_outcome_is_posted(capsys: pytest.CaptureFixture[str]) -> None:
    sent = Sent()
    made = notify(FAILED, Retrain(), URL, send=sent)
    assert (made.id, made.uri, made.skipped) == ("failed", "https://hooks.example.com", False)
    assert made.details["delivered"] is True
    assert made.details["text"] == sent.texts[0] == ":rotating_light: *faces*: the run failed in train\n• loss is nan"
    assert "secret" not in str(made) + capsys.readouterr().err


@pytest.mark.parametrize(
    ("notification", "choice", "posted"),
    [(QUIET, "all", 1), (QUIET, "news", 0), (FAILED, "news", 1), (FAILED, "off", 0)],
)
def test_only_wanted_events_are_posted(notification: Notification, choice: str, posted: int) -> None:
    sent = Sent()
    made = notify(notification, Retrain(notify=choice), URL, send=sent)
    assert len(sent.texts) == posted
    assert made.details["delivered"] is bool(posted)
    assert (made.details["why_not"] is None) is bool(posted)


def test_a_webhook_that_is_down_is_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    made = notify(FAILED, Retrain(), URL, send=Sent("it answered 500"))
    assert (made.details["delivered"], made.details["why_not"]) == (False, "it answered 500")
    assert "nobody was notified" in capsys.readouterr().err


def test_without_a_webhook_the_result_says_so() -> None:
    made = notify(QUIET, Retrain(), None, send=Sent())
    assert "GAN_WEBHOOK_URL is not set" in made.details["why_not"]
    assert made.uri == ""


def test_words_of_ones_own() -> None:
    sent = Sent()
    notify(FAILED, Retrain(message="{{ name }} {{ event }} {{ exit_code }}"), URL, send=sent)
    assert sent.texts == ["faces failed 8"]
    with pytest.raises(ConfigError, match=r"retrain\.message"):
        notify(FAILED, Retrain(message="{{ nme }}"), URL, send=sent)
