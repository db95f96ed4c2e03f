"""The name of an image, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gan.errors import ConfigError

HUB = "registry-1.docker.io"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class ImageReference:
    """The name of an image, taken apart: `europe-docker.pkg.dev/p/r/gan:1`."""

    registry: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def host(self) -> str:
        """Where the registry answers."""
        return HUB if self.registry == "docker.io" else self.registry


def parse(image: str) -> ImageReference:
    """An image's name taken apart, as every container runtime reads it.

    Raises:
        ConfigError: it is not an image name.
    """
    rest, at, digest = image.partition("@")
    head, slash, tail = rest.partition("/")
    named = bool(slash) and ("." in head or ":" in head or head == "localhost")
    registry, path = (head, tail) if named else ("docker.io", rest)
    repository, colon, tag = path.partition(":")
    wrong = not all(_PART.fullmatch(part) for part in repository.split("/"))
    if wrong or (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag)):
        raise ConfigError(
            "image (--image) must name an image, such as example.org/gan:1 or example.org/gan@sha256:...; "
            f'got "{image}"'
        )
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(registry, repository, tag or "latest", digest)


def at(image: str, digest: str) -> str:
    """The image by `digest` in place of its tag."""
    return f"{image.removesuffix(f':{parse(image).tag}')}@{digest}"
