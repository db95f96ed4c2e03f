"""The fault proxy spoils what it is told to, in every way, and nothing else."""

from __future__ import annotations

import http.client
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from faults.proxy import FAULTS, Proxy

BODY = bytes(range(256)) * 16


class Origin(BaseHTTPRequestHandler):
    """Answers each request with what was sent, or `BODY`, and keeps the request line and headers."""

    protocol_version = "HTTP/1.1"
    heard: list[tuple[str, str, dict[str, str]]]

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or BODY
        self.heard.append((self.command, self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("X-Kept", "yes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_any  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def heard() -> list[tuple[str, str, dict[str, str]]]:
    return []


@pytest.fixture
def target(heard: list[tuple[str, str, dict[str, str]]]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Origin,), {"heard": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(target: str) -> Iterator[Proxy]:
    with Proxy(stall_seconds=0.05) as made:
        made.target = target
        yield made


def ask(proxy: Proxy, body: bytes | None = None, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, "/a?ifGenerationMatch=0&b=1", body, {"Host": "signed.example", **headers})
        answer = connection.getresponse()
        assert answer.getheader("X-Kept") == "yes" or answer.status != 200
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_sound_request_passes_untouched(proxy: Proxy, heard: list[tuple[str, str, dict[str, str]]]) -> None:
    assert ask(proxy) == (200, BODY)
    assert ask(proxy, b"sent", "PUT") == (200, b"sent")
    assert ask(proxy, method="HEAD") == (200, b"")
    method, path, headers = heard[1]
    assert (method, path, headers["Host"]) == ("PUT", "/a?ifGenerationMatch=0&b=1", "signed.example")
    assert proxy.counts == {"requests": 3}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_never_reaches_the_server(proxy: Proxy, heard: list[object], status: int) -> None:
    proxy.share, proxy.faults = 1, (str(status),)
    assert ask(proxy)[0] == status
    assert heard == []


def test_a_reset_comes_before_the_server_heard_and_a_lost_answer_after(proxy: Proxy, heard: list[object]) -> None:
    for fault, times in (("reset", 0), ("lost", 1)):
        proxy.share, proxy.faults = 1, (fault,)
        with pytest.raises(ConnectionError):
            ask(proxy)
        assert len(heard) == times


def test_a_truncated_answer_is_cut_short(proxy: Proxy) -> None:
    proxy.share, proxy.faults = 1, ("truncate",)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)
    assert caught.value.partial == BODY[: len(BODY) // 2]


def test_a_stalled_answer_comes_in_the_end(proxy: Proxy) -> None:
    proxy.share, proxy.faults = 1, ("stall",)
    assert ask(proxy) == (200, BODY)


@pytest.mark.parametrize("fault", ["flip request", "flip response"])
def test_a_flip_changes_one_byte(proxy: Proxy, fault: str) -> None:
    proxy.share, proxy.faults = 1, (fault,)
    _, body = ask(proxy, BODY, "PUT")
    assert len(body) == len(BODY)
    assert sum(a != b for a, b in zip(body, BODY, strict=True)) == 1


def test_the_seed_decides_and_the_share_is_held(target: str) -> None:
    def drawn(seed: int) -> list[str | None]:
        with Proxy(share=0.1, seed=seed) as proxy:
            return [proxy.draw() for _ in range(2000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert set(drawn(1)) == {None, *FAULTS}
    assert 100 < sum(fault is not None for fault in drawn(1)) < 300


def test_conditions_are_stripped(proxy: Proxy, heard: list[tuple[str, str, dict[str, str]]]) -> None:
    proxy.strips_conditions = True
    ask(proxy, b"x", "PUT", **{"If-None-Match": "*", "If-Match": "etag", "X-Other": "stays"})
    ((_, path, headers),) = heard
    assert path == "/a?b=1"
    assert "X-Other" in headers
    assert not {"If-None-Match", "If-Match"} & set(headers)


def test_down_refuses_and_up_answers_at_the_same_place(proxy: Proxy) -> None:
    open_connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=5)
    open_connection.request("GET", "/")
    open_connection.getresponse().read()
    proxy.down()
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    assert open_connection.sock.recv(1) == b""  # broken
    proxy.up()
    assert ask(proxy) == (200, BODY)


def test_a_frozen_proxy_answers_nothing_and_loses_what_came_meanwhile(proxy: Proxy, heard: list[object]) -> None:
    proxy.freeze()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, proxy)
        while not proxy.counts["frozen"]:
            assert not asking.done()
        proxy.thaw()
        assert isinstance(asking.exception(), ConnectionError)
    assert heard == []
    assert ask(proxy) == (200, BODY)


def test_denied_is_403(proxy: Proxy) -> None:
    proxy.denies = True
    status, body = ask(proxy)
    assert status == 403
    assert b"AccessDenied" in body


def test_chunked_requests_arrive_whole(proxy: Proxy) -> None:
    request = urllib.request.Request(  # noqa: S310
        proxy.url, (part for part in (b"ab", b"cd")), {"Transfer-Encoding": "chunked"}, method="PUT"
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
        assert answer.read() == b"abcd"
