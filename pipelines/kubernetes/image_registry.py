"""Asks an image registry for the digest of an image.

OCI distribution specification 1.1, "pulling manifests"; tokens as in Docker's registry token authentication.
Credentials are those of `docker login`: ~/.docker/config.json (or DOCKER_CONFIG), with its credential helpers.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from pipelines.kubernetes.image_reference import ImageReference

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
TIMEOUT_SECONDS = 20
MAX_BYTES = 4 * 1024 * 1024
HUB_KEY = "https://index.docker.io/v1/"


class RegistryError(Exception):
    """The registry gave no digest; the message says why."""


class AbsentError(RegistryError):
    """The registry has no such image."""


def digest_of(reference: ImageReference) -> str:
    """The digest that a tag has now; for an image named by digest, that one, if the registry has it.

    Raises:
        AbsentError: the registry has no such image.
        RegistryError: it can't be reached, or refuses.
    """
    named = reference.digest or reference.tag
    url = f"{_scheme(reference)}://{reference.host}/v2/{reference.repository}/manifests/{named}"
    headers = {"Accept": ", ".join(MANIFESTS)}
    try:
        answer, body = _get(url, headers)
    except HTTPError as error:
        if error.code != 401:
            raise _refusal(error, reference) from None
        authorization = _authorization(error.headers.get("WWW-Authenticate", ""), reference)
        try:
            answer, body = _get(url, {**headers, "Authorization": authorization})
        except HTTPError as second:
            raise _refusal(second, reference) from None
    digest = "sha256:" + sha256(body).hexdigest()
    said = reference.digest or answer.get("Docker-Content-Digest", digest)
    if said != digest:
        raise RegistryError(f"{reference.host} says {said}, and what it sends has {digest}")
    return digest


def _scheme(reference: ImageReference) -> str:
    return "http" if re.match(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)", reference.host) else "https"


def _get(url: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
    request = urllib.request.Request(url)  # noqa: S310  (http and https alone)
    for name, value in headers.items():  # a redirect must not receive the password
        (request.add_unredirected_header if name == "Authorization" else request.add_header)(name, value)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.headers, answer.read(MAX_BYTES)
    except HTTPError:
        raise
    except (OSError, HTTPException) as error:
        raise RegistryError(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


def _refusal(error: HTTPError, reference: ImageReference) -> RegistryError:
    end = f"@{reference.digest}" if reference.digest else f":{reference.tag}"
    what = f"{reference.host}/{reference.repository}{end}"
    if error.code == 404:
        return AbsentError(f"there is no {what}")
    if error.code in (401, 403):
        return RegistryError(f"{reference.host} forbids to read {what}")
    return RegistryError(f"{reference.host} answers {error.code} {error.reason} for {what}")


def _authorization(challenge: str, reference: ImageReference) -> str:
    """The header of the second request, from the challenge that answered the first."""
    kind, _, rest = challenge.partition(" ")
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    login = _login(reference)
    if kind.lower() == "basic":
        if login is None:
            raise RegistryError(f"{reference.host} wants a password")
        return login
    if kind.lower() != "bearer" or not wanted.get("realm", "").startswith(("https://", "http://")):
        raise RegistryError(f"{reference.host} wants an unsupported authentication: {challenge[:100]}")
    if login is not None and wanted["realm"].startswith("http://") and _scheme(reference) == "https":
        raise RegistryError(f"{reference.host} wants the password sent unencrypted, to {wanted['realm']}")
    fields = {"service": wanted.get("service", ""), "scope": f"repository:{reference.repository}:pull"}
    try:
        _, body = _get(f"{wanted['realm']}?{urlencode(fields)}", {"Authorization": login} if login else {})
        tree = json.loads(body)
        return f"Bearer {tree.get('token') or tree['access_token']}"
    except HTTPError as error:
        raise RegistryError(f"{wanted['realm']} gives no token: {error.code} {error.reason}") from None
    except (ValueError, KeyError, AttributeError):
        raise RegistryError(f"{wanted['realm']} gives no token") from None


def _login(reference: ImageReference) -> str | None:
    """The header of basic authentication from `docker login`; None without a login."""
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path} can't be read: {error}") from None
    key = HUB_KEY if reference.registry == "docker.io" else reference.registry
    helper = tree.get("credHelpers", {}).get(key) or tree.get("credsStore")
    entry = tree.get("auths", {}).get(key, {})
    if helper:
        return _from_helper(str(helper), key)
    return f"Basic {entry['auth']}" if entry.get("auth") else None


def _from_helper(helper: str, key: str) -> str | None:
    """The header from the program docker-credential-HELPER; None where it has no login."""
    if not re.fullmatch(r"[\w.-]+", helper):
        raise RegistryError(f"{helper!r} is not the name of a credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(  # noqa: S603
            [program, "get"], input=key, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RegistryError(f"{program} can't be run: {error}") from None
    if done.returncode:
        return None  # no login for this registry; perhaps it needs none
    try:
        tree = json.loads(done.stdout)
        pair = f"{tree['Username']}:{tree['Secret']}"
    except (ValueError, KeyError, TypeError):
        raise RegistryError(f"{program} gives no user and password") from None
    return "Basic " + base64.b64encode(pair.encode()).decode()
