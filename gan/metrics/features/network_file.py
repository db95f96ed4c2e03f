"""Reads the files of a feature network: a file or a folder, on this machine or in a bucket."""

from __future__ import annotations

from pathlib import Path

from gan.errors import ConfigError, NotFoundError
from gan.store import is_bucket, local_path, open_store

KEY = "reference.feature_network (--feature-network)"
FORMS = "a path, a file:// URI, gs://bucket/NAME or s3://bucket/NAME"

Files = dict[str, bytes]


def absolute(uri: str) -> str:
    """An absolute path, or the URI of an object in a bucket. Whether it exists is not checked.

    Raises:
        ConfigError: it is not a valid path or URI.
    """
    path = local_path(uri, KEY)
    if path is not None:
        return str(path.absolute())
    if not _in_bucket(uri):
        raise ConfigError(f'{KEY} must be imagenet, {FORMS}; got "{uri}"')
    return uri.rstrip("/")


def require_exists(uri: str) -> None:
    """Check that a file exists, without reading it.

    Raises:
        ConfigError: the URI is not valid.
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
        raise _not_found(uri)


def read(uri: str) -> bytes:
    """The bytes of a file.

    Raises:
        ConfigError: the URI is not valid, or the file can't be read.
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
        raise _not_found(uri) from None
    except OSError as error:
        raise _unreadable(uri, error) from None


def read_folder(uri: str) -> Files:
    """The bytes of every file in a folder and below, by relative path.

    Raises:
        ConfigError: the URI is not valid, or a file can't be read.
        NotFoundError: there is no such folder, or it is empty.
        StoreError: its bucket can't be read.
    """
    place = absolute(uri)
    try:
        files = _objects(place) if is_bucket(place) else _below(Path(place))
    except OSError as error:
        raise _unreadable(uri, error) from None
    if not files:
        raise _not_found(uri)
    return files


def _objects(place: str) -> Files:
    above, _, name = place.rpartition("/")
    store = open_store(above, KEY)
    return {item.key.removeprefix(f"{name}/"): store.read(item.key) for item in store.list(name)}


def _below(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _not_found(uri: str) -> NotFoundError:
    return NotFoundError(
        f"no feature network at {uri}; give the path or URI of one, or the word imagenet (docs/judges.md)"
    )


def _unreadable(uri: str, error: OSError) -> ConfigError:
    return ConfigError(f"can't read the feature network {uri}: {error.strerror}; make it readable")


def _in_bucket(uri: str) -> bool:
    bucket, _, name = uri.partition("://")[2].partition("/")
    return is_bucket(uri) and bool(bucket) and bool(name.strip("/"))
