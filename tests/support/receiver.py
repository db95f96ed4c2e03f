"""A webhook on this machine: a real HTTP server that answers as it is told. A plugin: its fixtures are everywhere."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Receiver:
    """What arrived, and with which status codes it is answered, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts of the messages, the first one first."""
        return [body["text"] for _, _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook that is up."""
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


@pytest.fixture
def webhook(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The same, where GAN_WEBHOOK_URL leads to it."""
    monkeypatch.setenv("GAN_WEBHOOK_URL", receiver.url)
    return receiver
