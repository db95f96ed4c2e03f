"""Posting to a webhook: a real HTTP server on this machine that answers as it is told."""

from __future__ import annotations

import pytest

from gan.errors import ConfigError
from gan.util.webhook import host_of, post
from support.receiver import Receiver


class Pauses:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)

    def clock(self) -> float:
        return sum(self.taken)


def test_the_text_arrives_as_slack_takes_it(receiver: Receiver) -> None:
    assert post(receiver.url, "*faces*: größer & besser") is None
    assert receiver.got == [("/services/T0/B0/secret", "application/json", {"text": "*faces*: größer & besser"})]


def test_what_passes_is_waited_for(receiver: Receiver) -> None:
    receiver.answers, pauses = [503, 429, 200], Pauses()
    assert post(receiver.url, "x", sleep=pauses, clock=pauses.clock) is None
    assert pauses.taken == [1, 2]
    assert len(receiver.got) == 3


@pytest.mark.parametrize(("answer", "times"), [(404, 1), (403, 1), (302, 1), (500, 6)])
def test_a_failure_is_explained_without_the_secret(receiver: Receiver, answer: int, times: int) -> None:
    receiver.answers, pauses = [answer], Pauses()
    problem = post(receiver.url, "x", sleep=pauses, clock=pauses.clock)
    assert problem is not None
    assert problem.startswith(f"the webhook at http://127.0.0.1 did not take it: it answered {answer} ")
    assert "secret" not in problem
    assert len(receiver.got) == times
    assert pauses.clock() <= 60


def test_nobody_there(receiver: Receiver) -> None:
    pauses = Pauses()
    problem = post("http://127.0.0.1:1/secret", "x", deadline_seconds=5, sleep=pauses, clock=pauses.clock)
    assert problem is not None
    assert "it can't be reached" in problem
    assert "secret" not in problem
    assert pauses.taken == [1, 2]


@pytest.mark.parametrize(
    "url", ["", "secret", "file:///etc/passwd", "ftp://host/secret", "http:///secret", "http://[x"]
)
def test_other_urls_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="must be an http:// or https:// URL") as caught:
        post(url, "x")
    assert "secret" not in str(caught.value).removesuffix("(value not shown: it is a secret)")


def test_only_the_host_is_shown() -> None:
    assert host_of("https://user:word@hooks.example.com:8443/services/x?token=y") == "https://hooks.example.com"
