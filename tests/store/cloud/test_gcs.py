"""What fake-gcs-server lacks: it forgets what came before a break of a resumable upload, which the service keeps.

So here a small server keeps it, by the protocol that Google documents ("Resumable uploads": status 308 and Range).
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import google.auth.credentials
import google_crc32c
import pytest
from google.auth.exceptions import RefreshError, TransportError
from google.cloud import storage

from gan.errors import StoreError, UnavailableError
from gan.store import open_store
from gan.store.cloud.bucket import BucketStore
from gan.store.cloud.gcs import GcsApi
from gan.store.cloud.retry import Retry
from support import servers

GRAIN = 256 << 10  # what the service keeps of a broken request is a multiple of this
SIZE = 12 << 20


class Keeping(ThreadingHTTPServer):
    """A service that keeps what came of one upload.

    `breaks` are the places after which it breaks the connection, `drops` those after which it keeps nothing of a whole
    request, and says so.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.breaks: list[int] = []
        self.kept = b""
        self.described: dict[str, object] = {}
        self.sent_bytes = 0
        self.sessions = 0
        self.forgets = False
        self.drops: list[int] = []
        self.answers_lost = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Keeping

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""

    def do_POST(self) -> None:
        assert "uploadType=resumable" in self.path
        self.server.described = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sessions += 1
        self.server.kept = b""
        self.answer(200, {"Location": f"{self.server.url}/session/{self.server.sessions}"}, b"{}")

    def do_PUT(self) -> None:
        server = self.server
        where = re.fullmatch(r"bytes (?:(\*)|(\d+)-(\d+))/(\d+)", self.headers["Content-Range"])
        assert where is not None
        if server.forgets:
            server.forgets = False
            self.close_connection = True
            self.answer(410, {}, b"")
            return
        if where[1] is None:
            assert int(where[2]) == len(server.kept)
            stop = server.breaks.pop(0) if server.breaks else int(where[4])
            came = self.rfile.read(stop - len(server.kept))
            server.sent_bytes += len(came)
            server.kept += came
            if len(server.kept) < int(where[4]):
                server.kept = server.kept[: len(server.kept) // GRAIN * GRAIN]
                self.close_connection = True
                return
            if server.drops:
                server.kept = server.kept[: server.drops.pop(0)]
        if len(server.kept) < int(where[4]):
            self.answer(308, {"Range": f"bytes=0-{len(server.kept) - 1}"} if server.kept else {}, b"")
        elif server.answers_lost:
            server.answers_lost -= 1
            self.close_connection = True
        else:
            checksum = base64.b64encode(google_crc32c.Checksum(server.kept).digest()).decode()
            tree = {"name": "p/k", "size": where[4], "generation": "7", **server.described, "crc32c": checksum}
            self.answer(200, {}, json.dumps(tree).encode())

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeping]:
    with Keeping() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        for name, value in servers.environment("gs", server.url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "20")
        yield server
        server.shutdown()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(SIZE))
    return file


def test_an_upload_continues_where_it_broke_off(service: Keeping, large: Path) -> None:
    service.breaks = [100_000, 5_000_000, 9_000_000]
    open_store("gs://bucket/p").upload("k", large)
    assert service.kept == large.read_bytes()
    assert service.sessions == 1
    assert service.sent_bytes < SIZE + 3 * GRAIN, "what was there is not sent again"


def test_what_the_service_did_not_keep_is_sent_again(service: Keeping, large: Path) -> None:
    service.drops = [0, 4 * GRAIN]
    open_store("gs://bucket/p").upload("k", large)
    assert service.kept == large.read_bytes()
    assert service.sessions == 1


def test_the_lost_answer_of_a_whole_upload_is_asked_for_again(service: Keeping, large: Path) -> None:
    service.answers_lost = 2
    open_store("gs://bucket/p").upload("k", large)
    assert (service.sessions, service.sent_bytes) == (1, SIZE)


def test_an_upload_whose_session_is_gone_begins_anew(service: Keeping, large: Path) -> None:
    service.forgets = True
    open_store("gs://bucket/p").upload("k", large)
    assert service.sessions == 2
    assert service.kept == large.read_bytes()


def test_what_the_answer_says_must_be_what_was_sent(
    service: Keeping, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "0.5")
    store = open_store("gs://bucket/another")  # the server answers for p/k
    with pytest.raises(StoreError, match="its response does not describe what was sent"):
        store.upload("k", large)
    assert service.sessions > 1


def test_what_others_keep_compressed_comes_as_it_is_stored(
    gcs_server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gcs_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = servers.make_bucket(gcs_server)
    blob = storage.Client(project=None).bucket(bucket).blob("p/k")
    blob.content_encoding = "gzip"
    packed = gzip.compress(b"unpacked" * 100)
    blob.upload_from_string(packed)
    assert open_store(f"gs://{bucket}/p").read("k") == packed


class Agent(google.auth.credentials.Credentials):  # type: ignore[misc]
    """Tokens as a pod gets them, from an agent that fails first: `failures` are how."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    def refresh(self, request: object) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.token = servers.PASSWORD


def signed_in(server: servers.Server, monkeypatch: pytest.MonkeyPatch, agent: Agent) -> BucketStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    service = GcsApi(servers.make_bucket(server))
    service._session.credentials = agent
    return BucketStore(service, "p", Retry(20))


def test_tokens_that_do_not_come_for_now_are_asked_for_again(
    gcs_server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    unanswered = RefreshError("no token")
    unanswered.__cause__ = TransportError("metadata.google.internal did not answer")
    agent = Agent(unanswered, TransportError("no token"), RefreshError("busy", retryable=True))
    store = signed_in(gcs_server, monkeypatch, agent)
    store.write("k", b"1")
    assert agent.failures == []


def test_refused_tokens_are_reported_at_once(gcs_server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = signed_in(gcs_server, monkeypatch, Agent(RefreshError("invalid_grant")))
    with pytest.raises(StoreError, match=r"signing in for gs://.* failed: invalid_grant; sign in with") as told:
        store.write("k", b"1")
    assert not isinstance(told.value, UnavailableError)


def test_no_message_holds_the_url_of_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in servers.environment("gs", f"http://127.0.0.1:{servers.free_port()}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "0.01")
    with pytest.raises(UnavailableError, match="refused") as told:
        open_store("gs://bucket/p").write("k", b"1")
    assert "uploadType" not in str(told.value)
