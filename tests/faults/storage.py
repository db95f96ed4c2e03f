"""Real storage servers behind a proxy that can be told to be bad."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.proxy import FAULTS, Proxy
from gan.store import Store, open_store
from support import servers

SOAK = "GAN_SOAK" in os.environ
SEED = int(os.environ.get("GAN_SEED", "0"))
STALL_SECONDS = 30.0 if SOAK else 0.5
MOTO = "s3-moto-which-takes-a-flipped-upload"
KINDS = {"gs": servers.fake_gcs, "s3-minio": servers.minio, MOTO: servers.moto}
S3 = "s3-minio" if shutil.which("minio") or shutil.which(str(servers.BUILT / "minio")) else MOTO


@dataclass(frozen=True)
class Bad:
    """A server behind a proxy. `environment` leads a client to the proxy, `server.environment` past it."""

    proxy: Proxy
    server: servers.Server
    uri: str
    environment: dict[str, str] = field(default_factory=dict)

    def bad(self) -> Store:
        """The store by way of the proxy."""
        return opened(self.environment, self.uri)

    def good(self) -> Store:
        """The same store past the proxy."""
        return opened(self.server.environment, self.uri)


def opened(environment: dict[str, str], uri: str) -> Store:
    """A store as a process with these variables opens it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return open_store(uri)


@contextmanager
def behind_proxy(kind: str) -> Iterator[Bad]:
    """A server of a kind with an empty bucket, behind a proxy that does nothing bad yet."""
    faults = [fault for fault in FAULTS if (kind, fault) != (MOTO, "flip request")]
    with Proxy(seed=SEED, faults=faults, stall_seconds=STALL_SECONDS) as proxy:
        start = KINDS[kind]
        with start(proxy.url) if start is servers.fake_gcs else start() as server:
            proxy.target = server.url
            uri = f"{server.scheme}://{servers.make_bucket(server)}/below/here"
            yield Bad(proxy, server, uri, servers.environment(server.scheme, proxy.url))


@contextmanager
def on_server(kind: str) -> Iterator[tuple[servers.Server, str]]:
    """A server of a kind with an empty bucket; this process and those that it starts find the way to it."""
    with KINDS[kind]() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server, servers.make_bucket(server)


def fill(store: Store, folder: Path) -> None:
    """Put every object of a local store into another."""
    local = open_store(str(folder))
    for item in local.list():
        store.write(item.key, local.read(item.key))
