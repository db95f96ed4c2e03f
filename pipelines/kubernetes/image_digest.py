"""Images by their digest: what a tag names may change between two pods of one run, what a digest names never does."""

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
        ConfigError: it is none.
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


def pinned(image: str, *, allow_tag: bool) -> str:
    """The image by its digest.

    Args:
        image: with a digest: taken as it is; with a tag: its registry is asked which digest that is now.
        allow_tag: take a tag as it is, for images that were loaded into a cluster and are in no registry.

    Raises:
        ConfigError: it is no image's name, or its digest can't be found out.
    """
    reference = parse(image)
    if reference.digest or allow_tag:
        return image
    from pipelines.kubernetes.image_registry import RegistryError, digest_of

    try:
        digest = digest_of(reference)
    except RegistryError as error:
        raise ConfigError(
            f"image (--image) {image} names a tag, which may change under a run, and its digest can't be found out: "
            f"{error}. Give it as NAME@sha256:... (`docker inspect --format '{{{{index .RepoDigests 0}}}}' {image}` "
            "shows it), log in with `docker login`, or for an image that is loaded into the cluster give --allow-tag "
            "(allow_tag: true in a schedule)"
        ) from None
    return at(image, digest)


def at(image: str, digest: str) -> str:
    """The image by `digest` in place of its tag."""
    return f"{image.removesuffix(f':{parse(image).tag}')}@{digest}"
