"""Real servers on loopback for the tests, each its own process on a free port: fake-gcs-server, MinIO and moto for
storage, and Prometheus' push gateway.

Fixtures, one server a test process, started when first asked for and stopped by process id:

    gcs_server, minio_server, moto_server    a `Server`; skipped with the command to run where a program is missing
    gcs_url, s3_endpoint                     the URL alone; s3_endpoint is MinIO where it is installed, else moto

A test that wants a server of its own (behind a proxy, to be killed) uses `fake_gcs()`, `minio()` and `moto()`:

    with servers.fake_gcs(external_url=proxy.url) as server:
        bucket = servers.make_bucket(server)
        os.environ |= server.environment     # or monkeypatch; what a client reads to find it, with made-up credentials
        open_store(f"gs://{bucket}/prefix")

`make servers` builds the three Go programs into .servers/bin; they are also found on PATH.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

BUILT = Path(__file__).resolve().parents[2] / ".servers" / "bin"
START_SECONDS = 60
USER, PASSWORD = "tester", "not-a-secret"
Command = Callable[[int], list[str]]
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Server:
    """A running server. `scheme` is that of its stores, gs or s3; `environment` is what a client needs to find it."""

    scheme: str
    url: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.scheme, self.url)


def environment(scheme: str, url: str) -> dict[str, str]:
    """The variables that lead a client of gs:// or s3:// to a URL: that of a server, or of a proxy before one."""
    if scheme == "gs":
        return {"STORAGE_EMULATOR_HOST": url, "GOOGLE_CLOUD_PROJECT": "test"}
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def find(program: str) -> str:
    """The path of a server's program; skips the test where it is not installed."""
    found = shutil.which(str(BUILT / program)) or shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on PATH or in .servers/bin; run: make servers")
    return found


@contextmanager
def fake_gcs(external_url: str | None = None, *, backend: str = "filesystem") -> Iterator[Server]:
    """fsouza/fake-gcs-server.

    Args:
        external_url: what it tells clients to send the rest of a large upload to.
        backend: filesystem, or memory, which alone can keep versions.
    """
    program = find("fake-gcs-server")
    with tempfile.TemporaryDirectory(prefix="fake-gcs-") as folder:

        def command(port: int) -> list[str]:
            url = external_url or f"http://127.0.0.1:{port}"
            options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
            host = url.partition("://")[2]
            kept = ["-backend", backend, "-filesystem-root", folder]
            return [program, *options, *kept, "-public-host", host, "-log-level", "error"]

        with _running("gs", command, "/storage/v1/b?project=test") as server:
            yield server


@contextmanager
def minio() -> Iterator[Server]:
    """MinIO."""
    program = find("minio")
    with tempfile.TemporaryDirectory(prefix="minio-") as folder:

        def command(port: int) -> list[str]:
            console = f"127.0.0.1:{free_port()}"
            options = ["--quiet", "--address", f"127.0.0.1:{port}", "--console-address", console]
            return [program, "server", *options, folder]

        with _running("s3", command, "/minio/health/ready") as server:
            yield server


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server, in memory."""
    with _running(
        "s3",
        lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        "/moto-api/data.json",
    ) as server:
        yield server


@contextmanager
def pushgateway() -> Iterator[Server]:
    """Prometheus' push gateway, in memory."""
    program = find("pushgateway")
    with _running(
        "http", lambda port: [program, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], "/-/ready"
    ) as server:
        yield server


def make_bucket(server: Server, *, url: str | None = None, versioned: bool = False) -> str:
    """A new bucket of a random name; `url` is the server's own unless it is reached another way."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    if server.scheme == "gs":
        body = {"name": name, "versioning": {"enabled": versioned}}
        request = urllib.request.Request(  # noqa: S310
            f"{url or server.url}/storage/v1/b?project=test",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        NO_PROXY.open(request, timeout=30).close()
        return name
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=url or server.url,
        aws_access_key_id=USER,
        aws_secret_access_key=PASSWORD,
        region_name="us-east-1",
        config=Config(
            retries={"mode": "standard", "max_attempts": 10}
        ),  # MinIO is asked before it is ready, though it says that it is
    )
    client.create_bucket(Bucket=name)
    if versioned:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(scheme: str, command: Command, ready: str) -> Iterator[Server]:
    for _ in range(3):  # somebody else may take the port between its choice and its use
        port = free_port()
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command(port), stdout=log, stderr=log, env=_clean_environment())
            try:
                url = f"http://127.0.0.1:{port}"
                if _answers(url + ready, process):
                    yield Server(scheme, url, process)
                    return
                log.seek(0)
                said = log.read().decode(errors="replace")
            finally:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
                process.kill()
                process.wait()
    raise RuntimeError(f"{process.args!r} did not start: {said[-2000:]}")


def _clean_environment() -> dict[str, str]:
    return {**os.environ, "MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off"}


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            NO_PROXY.open(url, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Server]:
    with fake_gcs() as server:
        yield server


@pytest.fixture(scope="session")
def minio_server() -> Iterator[Server]:
    with minio() as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Server]:
    with moto() as server:
        yield server


@pytest.fixture(scope="session")
def gcs_url(gcs_server: Server) -> str:
    return gcs_server.url


@pytest.fixture(scope="session")
def s3_endpoint(request: pytest.FixtureRequest) -> str:
    installed = shutil.which(str(BUILT / "minio")) or shutil.which("minio")
    server: Server = request.getfixturevalue("minio_server" if installed else "moto_server")
    return server.url


@pytest.fixture(params=["gcs_server", "moto_server"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a new bucket, on a server of either kind in turn, whose keys the environment has."""
    server: Server = request.getfixturevalue(request.param)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"{server.scheme}://{make_bucket(server)}"
