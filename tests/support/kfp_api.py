"""A real HTTP server on loopback that answers as the API of Kubeflow Pipelines does, for what needs no cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """An answer: JSON unless `kind` says otherwise. `lost`: the connection ends instead."""

    body: Any = field(default_factory=dict)
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False


Answer = Callable[[Asked], Said]
LOST = Said(lost=True)


@dataclass
class Api:
    """The server: `routes` maps "GET /apis/..." to an answer, a list of answers (the last one stays), or a function."""

    url: str = ""
    routes: dict[str, Said | list[Said] | Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def of(self, route: str) -> list[Asked]:
        """The requests that came to a route."""
        return [one for one in self.asked if f"{one.method} {one.path}" == route]

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        found = self.routes.get(f"{asked.method} {asked.path}")
        if found is None:
            return Said({"code": 5, "message": "Not Found", "details": []}, 404)
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Said) else found(asked)


def error(status: int, message: str, code: int = 13) -> Said:
    """An error in the form of the API."""
    return Said({"error": message, "code": code, "message": message, "details": []}, status)


HEALTHY: dict[str, Any] = {
    "GET /api/v1/namespaces/kubeflow": Said({"kind": "Namespace", "metadata": {"name": "kubeflow"}}),
    "GET /apis/v2beta1/healthz": Said({"multi_user": False}),
    "GET /apis/v1beta1/healthz": Said({"commit_sha": "unknown", "tag_name": "2.17.0", "multi_user": False}),
}


@contextmanager
def serve(routes: dict[str, Any] | None = None, *, port: int = 0) -> Iterator[Api]:
    """An API that is there and well, with further routes."""
    api = Api(routes={**HEALTHY, **(routes or {})})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
            said = api.answer(asked)
            if said.lost:
                self.close_connection = True
                return
            data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {"Content-Type": said.kind, "Content-Length": str(len(data)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
