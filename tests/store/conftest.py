from __future__ import annotations

import os
import uuid

import pytest

from gan.store import Store, open_store
from support import servers

SERVERS = {"gs": "gcs_server", "s3-minio": "minio_server", "s3-moto": "moto_server"}
REAL = {"gs-real": ("gs", "GAN_TEST_GCS_BUCKET"), "s3-real": ("s3", "GAN_TEST_S3_BUCKET")}
BUCKETS = [*SERVERS, *(name for name, (_, variable) in REAL.items() if variable in os.environ)]


def opened(kind: str, request: pytest.FixtureRequest) -> Store:
    """A new, empty store of a kind."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    if kind == "local":
        return open_store(str(request.getfixturevalue("tmp_path") / "store"))
    prefix = f"tests/{uuid.uuid4().hex[:12]}"
    if kind in REAL:
        scheme, variable = REAL[kind]
        return open_store(f"{scheme}://{os.environ[variable]}/{prefix}")
    server: servers.Server = request.getfixturevalue(SERVERS[kind])
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"{server.scheme}://{servers.make_bucket(server)}/{prefix}")


@pytest.fixture(params=["local", *BUCKETS])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn: whatever a store promises is tested on all of them."""
    return opened(request.param, request)


@pytest.fixture(params=BUCKETS)
def bucket_store(request: pytest.FixtureRequest) -> Store:
    """Each kind of bucket in turn."""
    return opened(request.param, request)
