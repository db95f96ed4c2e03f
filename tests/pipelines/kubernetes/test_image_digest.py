from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from gan.errors import ConfigError
from pipelines.kubernetes.image_digest import pinned
from pipelines.kubernetes.image_reference import HUB, ImageReference, parse
from pipelines.kubernetes.image_registry import AbsentError, RegistryError, _authorization, digest_of
from support import kfp_api, servers
from support.kfp_api import Api, Asked, Said

DIGEST = "sha256:" + "ab" * 32
MANIFEST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
OF_MANIFEST = "sha256:" + sha256(MANIFEST).hexdigest()
TAGGED = "GET /v2/team/gan/manifests/1.0"


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("gan", ImageReference("docker.io", "library/gan", "latest")),
        ("team/gan:1", ImageReference("docker.io", "team/gan", "1")),
        ("localhost/gan", ImageReference("localhost", "gan", "latest")),
        ("localhost:5000/a/b:c", ImageReference("localhost:5000", "a/b", "c")),
        (f"eu.gcr.io/p/gan:1@{DIGEST}", ImageReference("eu.gcr.io", "p/gan", "1", DIGEST)),
    ],
)
def test_a_name_is_read_as_container_runtimes_read_it(image: str, reference: ImageReference) -> None:
    assert parse(image) == reference


@pytest.mark.parametrize(
    "image", ["", "Gan", "a b", "gan:", "gan@sha256:ab", "gan@md5:1", "a//b", "https://x/y", "gan:ü"]
)
def test_what_is_no_name_is_refused(image: str) -> None:
    with pytest.raises(ConfigError, match=r"image \(--image\) must name an image"):
        pinned(image, allow_tag=True)


def test_the_hub_answers_elsewhere() -> None:
    assert parse("gan").host == HUB
    assert parse("eu.gcr.io/p/gan").host == "eu.gcr.io"


def test_a_digest_is_taken_as_it_is_and_a_tag_where_that_is_allowed() -> None:
    assert pinned(f"gan@{DIGEST}", allow_tag=False) == f"gan@{DIGEST}"
    assert pinned("gan:dev", allow_tag=True) == "gan:dev"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with kfp_api.serve({TAGGED: Said(MANIFEST, headers={"Docker-Content-Digest": OF_MANIFEST})}) as api:
        yield api


def image_of(registry: Api, name: str = "team/gan:1.0") -> str:
    return f"{registry.url.removeprefix('http://')}/{name}"


def test_a_tag_becomes_the_digest_that_it_has_now(registry: Api) -> None:
    image = image_of(registry)
    assert pinned(image, allow_tag=False) == f"{image.removesuffix(':1.0')}@{OF_MANIFEST}"
    assert "application/vnd.oci.image.index.v1+json" in registry.asked[0].headers["Accept"]


def test_an_image_that_is_named_by_its_digest_is_asked_for_by_it(registry: Api) -> None:
    registry.routes[f"GET /v2/team/gan/manifests/{OF_MANIFEST}"] = Said(MANIFEST)
    assert digest_of(parse(image_of(registry, f"team/gan:1.0@{OF_MANIFEST}"))) == OF_MANIFEST
    with pytest.raises(AbsentError, match=f"there is no 127.*/team/gan@{DIGEST}"):
        digest_of(parse(image_of(registry, f"team/gan@{DIGEST}")))
    registry.routes[f"GET /v2/team/gan/manifests/{DIGEST}"] = Said(MANIFEST)
    with pytest.raises(RegistryError, match=f"and what it sends has {OF_MANIFEST}"):
        digest_of(parse(image_of(registry, f"team/gan@{DIGEST}")))


def log_in(folder: Path, host: str, **config: object) -> str:
    auth = base64.b64encode(b"me:secret").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}, **config}))
    return f"Basic {auth}"


def test_a_registry_that_wants_a_token_gets_the_login_and_then_the_token(registry: Api, tmp_path: Path) -> None:
    basic = log_in(tmp_path, registry.url.removeprefix("http://"))
    challenge = f'Bearer realm="{registry.url}/token",service="images"'

    def manifest(asked: Asked) -> Said:
        if asked.headers.get("Authorization") == "Bearer t0ken":
            return Said(MANIFEST)
        return Said({}, 401, headers={"WWW-Authenticate": challenge})

    registry.routes[TAGGED] = manifest
    registry.routes["GET /token"] = Said({"token": "t0ken"})
    assert pinned(image_of(registry), allow_tag=False).endswith(OF_MANIFEST)
    (asked,) = registry.of("GET /token")
    assert asked.query == {"service": ["images"], "scope": ["repository:team/gan:pull"]}
    assert asked.headers["Authorization"] == basic


def test_the_password_is_not_sent_on_where_a_registry_redirects(registry: Api, tmp_path: Path) -> None:
    basic = log_in(tmp_path, registry.url.removeprefix("http://"))

    def manifest(asked: Asked) -> Said:
        if asked.headers.get("Authorization") == basic:
            return Said({}, 307, headers={"Location": f"{registry.url}/elsewhere"})
        return Said({}, 401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    registry.routes[TAGGED] = manifest
    registry.routes["GET /elsewhere"] = Said(MANIFEST)
    assert pinned(image_of(registry), allow_tag=False).endswith(OF_MANIFEST)
    (asked,) = registry.of("GET /elsewhere")
    assert "Authorization" not in asked.headers


def test_the_password_is_not_sent_in_the_clear(registry: Api, tmp_path: Path) -> None:
    log_in(tmp_path, "images.example.org")
    challenge = f'Bearer realm="{registry.url}/token",service="images"'
    with pytest.raises(RegistryError, match=r"images\.example\.org wants the password sent unencrypted"):
        _authorization(challenge, parse("images.example.org/gan:1"))
    assert registry.asked == []


def test_a_login_may_come_from_a_helper(registry: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-keys"
    helper.write_text('#!/bin/sh\nread host\nprintf \'{"Username":"%s","Secret":"s"}\' "$host"\n')
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    host = registry.url.removeprefix("http://")
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {host: "keys"}}))
    expected = "Basic " + base64.b64encode(f"{host}:s".encode()).decode()

    def manifest(asked: Asked) -> Said:
        known = asked.headers.get("Authorization") == expected
        return Said(MANIFEST) if known else Said({}, 401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    registry.routes[TAGGED] = manifest
    assert pinned(image_of(registry), allow_tag=False).endswith(OF_MANIFEST)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said({}, 404), "there is no 127.0.0.1"),
        (Said({}, 403), "forbids to read"),
        (Said({}, 500), "answers 500"),
        (Said({}, 401, headers={"WWW-Authenticate": 'Basic realm="r"'}), "wants a password"),
        (Said({}, 401, headers={"WWW-Authenticate": "Negotiate"}), "wants an unsupported authentication"),
        (Said({}, 401, headers={"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/t"'}), "does not answer"),
        (Said(b"other", headers={"Docker-Content-Digest": OF_MANIFEST}), "and what it sends has"),
        (kfp_api.LOST, "does not answer"),
    ],
)
def test_a_tag_that_can_not_be_resolved_is_refused_with_what_to_do(registry: Api, said: Said, why: str) -> None:
    registry.routes[TAGGED] = said
    with pytest.raises(ConfigError, match=why) as caught:
        pinned(image_of(registry), allow_tag=False)
    assert "Give it as NAME@sha256:..." in str(caught.value)
    assert "--allow-tag" in str(caught.value)


def test_no_registry() -> None:
    with pytest.raises(ConfigError, match="Connection refused"):
        pinned(f"127.0.0.1:{servers.free_port()}/gan:1", allow_tag=False)
