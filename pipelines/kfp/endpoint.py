"""The address of Kubeflow Pipelines: from flags, else from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gan.errors import ConfigError

HOST, NAMESPACE, TOKEN_FILE, CA_FILE = "KFP_HOST", "KFP_NAMESPACE", "KFP_TOKEN_FILE", "KFP_CA_FILE"
DEFAULT_NAMESPACE = "kubeflow"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Address:
    """How to reach the API.

    `host` is its URL, empty where the Kubernetes API forwards a port to it (`port_forward`); `namespace` is that of the
    runs' pods; `token_file` holds the bearer token, and is read for each request, as such files are renewed; `ca_file`
    holds certificate authorities, by default the public ones.
    """

    host: str = ""
    namespace: str = DEFAULT_NAMESPACE
    token_file: Path | None = None
    ca_file: Path | None = None
    port_forward: bool = False

    def __post_init__(self) -> None:
        if "@" in self.host:  # what precedes it may be a password, which must not be repeated
            raise ConfigError(
                f"--host and {HOST} must hold no @, as with a user and password, which messages would show; give the "
                "URL without these, such as http://127.0.0.1:8888, and a token by --token-file; an @ in a path is %40"
            )
        if self.port_forward and self.host:
            raise ConfigError(f"--port-forward provides its own host; got --host {self.host} as well; leave one out")
        if not self.port_forward and not self.host:
            raise ConfigError(f"where is Kubeflow Pipelines? Give --host URL, set {HOST}, or give --port-forward")
        if self.host and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", self.host):
            raise ConfigError(f'--host must be a URL such as http://127.0.0.1:8888; got "{self.host}"')
        if not _NAME.fullmatch(self.namespace):
            raise ConfigError(f'--namespace must be the name of a Kubernetes namespace; got "{self.namespace}"')
        for flag, path in (("--token-file", self.token_file), ("--ca-file", self.ca_file)):
            if path is not None and not path.is_file():
                raise ConfigError(f"{flag}: there is no file {path}; give the path of one")


def find(
    *,
    host: str | None = None,
    namespace: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    port_forward: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Address:
    """The address from flags; what is left out comes from the environment.

    Raises:
        ConfigError: a value is wrong, or there is no host.
    """
    token = token_file or environment.get(TOKEN_FILE)
    authority = ca_file or environment.get(CA_FILE)
    return Address(
        host=(host or ("" if port_forward else environment.get(HOST, ""))).rstrip("/"),
        namespace=namespace or environment.get(NAMESPACE, "") or DEFAULT_NAMESPACE,
        token_file=Path(token) if token else None,
        ca_file=Path(authority) if authority else None,
        port_forward=port_forward,
    )
