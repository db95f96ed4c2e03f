"""Posting to a webhook: a real HTTP server on this machine that answers as it is told."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from gan.errors import ConfigError
from gan.webhook import host_of, post


@dataclass
class Receiver:
    """What arrived, and with which status codes it is answered, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.got.append((self.path, self.headers["Content-Type"], body))
            status = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret"
        yield made
        server.shutdown()
        thread.join()


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
    assert post(receiver.url, "x", pause=pauses, clock=pauses.clock) is None
    assert pauses.taken == [1, 2]
    assert len(receiver.got) == 3


@pytest.mark.parametrize(("answer", "times"), [(404, 1), (403, 1), (302, 1), (500, 6)])
def test_what_keeps_it_is_told_without_the_secret(receiver: Receiver, answer: int, times: int) -> None:
    receiver.answers, pauses = [answer], Pauses()
    problem = post(receiver.url, "x", pause=pauses, clock=pauses.clock)
    assert problem is not None
    assert problem.startswith(f"the webhook at http://127.0.0.1 did not take it: it answered {answer} ")
    assert "secret" not in problem
    assert len(receiver.got) == times
    assert pauses.clock() <= 60


def test_nobody_there(receiver: Receiver) -> None:
    pauses = Pauses()
    problem = post("http://127.0.0.1:1/secret", "x", deadline_seconds=5, pause=pauses, clock=pauses.clock)
    assert problem is not None
    assert "it can't be reached" in problem
    assert "secret" not in problem
    assert pauses.taken == [1, 2]


@pytest.mark.parametrize(
    "url", ["", "secret", "file:///etc/passwd", "ftp://host/secret", "http:///secret", "http://[x"]
)
def test_other_urls_are_refused_and_not_told(url: str) -> None:
    with pytest.raises(ConfigError, match="must be an http:// or https:// URL") as caught:
        post(url, "x")
    assert "secret" not in str(caught.value).removesuffix("as it is a secret")


def test_the_host_is_all_that_is_told() -> None:
    assert host_of("https://user:word@hooks.example.com:8443/services/x?token=y") == "https://hooks.example.com"
