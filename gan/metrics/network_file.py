"""The file of the canonical feature network: where it may lie, and what is in it."""

from __future__ import annotations

from pathlib import Path

from gan.errors import ConfigError, NotFoundError
from gan.store import is_bucket, local_path, open_store

KEY = "reference.feature_network (--feature-network)"
NAME = "classify_image_graph_def.pb"
ARCHIVE = "inception-2015-12-05.tgz"


def absolute(uri: str) -> str:
    """The place that `reference.feature_network` names: a path from the root, or the URI of an object in a bucket.

    Whether anything is there is not looked at.

    Raises:
        ConfigError: it can't name a file.
    """
    path = local_path(uri, KEY)
    if path is None and not _in_bucket(uri):
        raise ConfigError(f'{KEY} must be a path, a file:// URI, gs://bucket/{NAME} or s3://bucket/{NAME}; got "{uri}"')
    if uri.endswith("/"):
        raise ConfigError(f'{KEY} must be the file {NAME}; got the folder "{uri}"')
    return uri if path is None else str(path.absolute())


def require_there(uri: str) -> None:
    """Make sure that there is such a file, without reading it.

    Raises:
        ConfigError: the URI can't name a file.
        NotFoundError: there is no such file.
        StoreError: its bucket can't be read.
    """
    place = absolute(uri)
    if is_bucket(place):
        folder, _, name = place.rpartition("/")
        there = open_store(folder, KEY).exists(name)
    else:
        there = Path(place).is_file()
    if not there:
        raise _absent(uri)


def read(uri: str) -> bytes:
    """The bytes of the file.

    Raises:
        ConfigError: the URI can't name a file, or it is one that can't be read.
        NotFoundError: there is no such file.
        StoreError: its bucket can't be read.
    """
    place = absolute(uri)
    try:
        if is_bucket(place):
            folder, _, name = place.rpartition("/")
            return open_store(folder, KEY).read(name)
        return Path(place).read_bytes()
    except (NotFoundError, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise _absent(uri) from None
    except OSError as error:
        raise ConfigError(f"can't read the feature network {uri}: {error.strerror}; make it readable") from None


def _absent(uri: str) -> NotFoundError:
    return NotFoundError(f"no feature network at {uri}; give the {NAME} of {ARCHIVE}")


def _in_bucket(uri: str) -> bool:
    bucket, _, name = uri.partition("://")[2].partition("/")
    return is_bucket(uri) and bool(bucket) and bool(name)
