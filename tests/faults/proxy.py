"""An HTTP reverse proxy on loopback that spoils a share of the requests, as networks and services do.

    with Proxy(share=0.1, seed=7) as proxy, servers.fake_gcs(external_url=proxy.url) as server:
        proxy.target = server.url

The seed decides which requests are spoilt and how; with several clients at once their order is the network's own.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

REFUSALS = {"429": "Too Many Requests", "500": "Internal Server Error", "503": "Service Unavailable"}
FAULTS = (*REFUSALS, "reset", "lost", "stall", "truncate", "flip request", "flip response")
CONDITIONS = ("if-match", "if-none-match")
CONDITION_PARAMETERS = ("ifGenerationMatch=", "ifGenerationNotMatch=")
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "expect", "content-length")
RESET = struct.pack("ii", 1, 0)  # a socket that is closed without lingering resets its connection
DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""


@dataclass
class Message:
    """A request or an answer. `start` is method and path, or status and reason."""

    start: tuple[str, str]
    headers: list[tuple[str, str]]
    body: bytes


class Proxy:
    """The proxy; `url` is its own, `target` that of the server behind it.

    The faults: an answer 429, 500 or 503 of which the server never heard; `reset`, the connection broken before it
    heard; `lost`, broken after the server did what was asked; `stall`, nothing for `stall_seconds` in the middle
    of the answer; `truncate`, half of the answer; and one byte flipped in the body of the request or of the answer.
    Where there is no body to flip or cut, the response is lost.

    Args:
        share: the share of requests that are spoilt.
        faults: which of `FAULTS`, each as likely as any other.
        seed: of the choice.
        stall_seconds: length of a stall.
    """

    def __init__(
        self, *, share: float = 0.0, faults: Sequence[str] = FAULTS, seed: int = 0, stall_seconds: float = 30.0
    ) -> None:
        self.share = share
        self.faults = tuple(faults)
        self.stall_seconds = stall_seconds
        self.target = ""
        self.counts: Counter[str] = Counter()
        self.strips_conditions = False
        self.denies = False
        self._next: list[str] = []
        self._random = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server = self._listening(0)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self.thaw()
        self.down()

    def down(self) -> None:
        """Refuse connections, and break those that there are."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def up(self) -> None:
        """Listen again on the same port."""
        self._server = self._listening(self._server.server_port)

    def freeze(self) -> None:
        """Take requests and neither pass them on nor answer them."""
        self._flows.clear()

    def thaw(self) -> None:
        """Answer again; the requests that came meanwhile are lost, and the server never hears of them."""
        self._flows.set()

    def spoil_next(self, fault: str, requests: int) -> None:
        """Spoil the given number of requests, all in one way."""
        with self._lock:
            self._next += [fault] * requests

    @property
    def faults_made(self) -> int:
        """How many requests were spoilt."""
        with self._lock:
            return sum(self.counts[fault] for fault in FAULTS)

    def draw(self) -> str | None:
        """The fault of the next request."""
        with self._lock:
            self.counts["requests"] += 1
            if self._next:
                return self._next.pop()
            return self._random.choice(self.faults) if self._random.random() < self.share else None

    def flipped(self, body: bytes) -> bytes:
        """The same bytes but for one."""
        with self._lock:
            place, mask = self._random.randrange(len(body)), self._random.randrange(1, 256)
        return body[:place] + bytes([body[place] ^ mask]) + body[place + 1 :]

    def note(self, fault: str) -> None:
        """Count a fault."""
        with self._lock:
            self.counts[fault] += 1

    def stuck(self) -> bool:
        """Wait while frozen; whether it was."""
        if self._flows.is_set():
            return False
        self.note("frozen")
        return self._flows.wait()

    def stall(self) -> None:
        """Wait as long as a stall takes, or until the proxy closes."""
        self._closing.wait(self.stall_seconds)

    def opened(self, connection: socket.socket) -> None:
        """A client is there."""
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A client is gone."""
        with self._lock:
            self._connections.discard(connection)

    def _listening(self, port: int) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"proxy": self})
        server = _Server(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy

    def setup(self) -> None:
        super().setup()
        self.proxy.opened(self.connection)

    def finish(self) -> None:
        self.proxy.closed(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""

    def do_any(self) -> None:
        """Answer one request, well or badly."""
        request = Message((self.command, self.path), list(self.headers.items()), self._request_body())
        if self.proxy.stuck():
            self._break()
            return
        if self.proxy.denies:
            self.proxy.note("denied")
            self._send(Message(("403", "Forbidden"), [("Content-Type", "application/xml")], DENIED))
            return
        fault = self.proxy.draw()
        if self.proxy.strips_conditions:
            request = _unconditional(request)
        if fault == "flip request":
            if request.body:
                self.proxy.note(fault)
                request.body = self.proxy.flipped(request.body)
                fault = None
            else:
                fault = "lost"
        if fault in REFUSALS:
            self.proxy.note(fault)
            self._send(Message((fault, REFUSALS[fault]), [], b""))
        elif fault == "reset":
            self.proxy.note(fault)
            self._break()
        else:
            self._answer(self._forwarded(request), fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = do_any  # noqa: N815

    def _answer(self, answer: Message, fault: str | None) -> None:
        bodiless = not answer.body or self.command == "HEAD"
        if fault in ("truncate", "flip response") and bodiless:
            fault = "lost"
        if fault is not None:
            self.proxy.note(fault)
        if fault == "lost":
            self._break()
        elif fault == "truncate":
            self._send(answer, upto=len(answer.body) // 2)
            self.close_connection = True
        elif fault == "flip response":
            answer.body = self.proxy.flipped(answer.body)
            self._send(answer)
        elif fault == "stall":
            half = len(answer.body) // 2
            self._send(answer, upto=half)
            self.proxy.stall()
            self.wfile.write(answer.body[half:])
        else:
            self._send(answer)

    def _request_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _forwarded(self, request: Message) -> Message:
        target = urlsplit(self.proxy.target)
        upstream = http.client.HTTPConnection(str(target.hostname), target.port, timeout=300)
        with contextlib.closing(upstream):
            upstream.putrequest(*request.start, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in HOP_BY_HOP:
                    upstream.putheader(name, value)
            if request.body or self.command in ("PUT", "POST", "PATCH"):
                upstream.putheader("Content-Length", str(len(request.body)))
            upstream.endheaders(request.body or None)
            answer = upstream.getresponse()
            body = answer.read()
            headers = [
                (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in HOP_BY_HOP or (self.command == "HEAD" and name.lower() == "content-length")
            ]
        return Message((str(answer.status), answer.reason), headers, body)

    def _send(self, answer: Message, *, upto: int | None = None) -> None:
        """Send the head, and the body or its first bytes."""
        status = int(answer.start[0])
        self.send_response_only(status, answer.start[1])
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.command != "HEAD" and status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:upto])

    def _break(self) -> None:
        self.close_connection = True
        self.proxy.closed(self.connection)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        os.close(self.connection.detach())


def _unconditional(request: Message) -> Message:
    """The same request without its conditions, as a server sees it that knows none."""
    method, path = request.start
    bare, _, query = path.partition("?")
    kept = [part for part in query.split("&") if not part.startswith(CONDITION_PARAMETERS)]
    headers = [(name, value) for name, value in request.headers if name.lower() not in CONDITIONS]
    return Message((method, "?".join(filter(None, (bare, "&".join(kept))))), headers, request.body)
