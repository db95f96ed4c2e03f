"""Images by their digest: a tag may change between two pods of one run, a digest never does."""

from __future__ import annotations

from gan.errors import ConfigError
from pipelines.kubernetes.image_reference import at, parse
from pipelines.kubernetes.image_registry import RegistryError, digest_of


def pinned(image: str, *, allow_tag: bool) -> str:
    """The image by its digest.

    Args:
        image: with a digest: taken as it is; with a tag: its registry is asked which digest that is now.
        allow_tag: take a tag as it is, for images that were loaded into a cluster and are in no registry.

    Raises:
        ConfigError: it is not an image name, or its digest can't be found out.
    """
    reference = parse(image)
    if reference.digest or allow_tag:
        return image
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
