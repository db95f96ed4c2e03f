"""Settings of the generated client for an address: certificates, proxy, and no retries of its own."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.parse import urlsplit

import kfp_server_api as api

from pipelines.kfp.endpoint import Address


def configuration(address: Address) -> Any:
    """The generated client's settings."""
    made = api.Configuration(host=address.host)
    made.retries = False  # urllib3's own would also repeat requests that must not be repeated
    made.ssl_ca_cert = str(address.ca_file) if address.ca_file else None
    made.proxy = _proxy(address.host)
    return made


def _proxy(url: str) -> str | None:
    """The proxy for a URL from the usual environment variables."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)
