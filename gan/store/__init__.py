"""The store: everything durable under one URI, behind a small interface."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from gan.errors import ConfigError, NotFoundError
from gan.store.document import read_json
from gan.store.interface import IncompleteUpload, Item, Store, Versioned, check_key
from gan.store.local import LocalStore

__all__ = [
    "IncompleteUpload",
    "Item",
    "LocalStore",
    "Store",
    "Versioned",
    "check_key",
    "is_bucket",
    "local_path",
    "open_existing",
    "open_store",
    "read_json",
    "store_uri",
]

FLAG = "--store"
THIS_MACHINE = ("", "localhost")
BUCKETS = ("gs", "s3")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")


def open_store(uri: str, flag: str = FLAG, *, deadline_seconds: float | None = None) -> Store:
    """The store behind a URI: a path or `file://` URI of a local folder, `gs://bucket/prefix` or `s3://bucket/prefix`.

    Each bucket library finds credentials and endpoint its usual way. No request is sent to the bucket yet.

    Args:
        uri: what a user gave.
        flag: for messages: the flag it was given as.
        deadline_seconds: how long to retry where a bucket does not answer, unless the environment sets it.

    Raises:
        ConfigError: the URI does not name a store, or the library for this kind of bucket is not installed.
        StoreError: there are no credentials.
    """
    folder = local_path(uri, flag)
    return _open_bucket(*_bucket(uri, flag), deadline_seconds) if folder is None else LocalStore(folder)


def store_uri(uri: str, flag: str = FLAG) -> str:
    """The normalised `uri` of the store behind a URI. Nothing is opened, so no credentials are needed.

    Raises:
        ConfigError: the URI does not name a store.
    """
    folder = local_path(uri, flag)
    if folder is not None:
        return LocalStore(folder).uri
    scheme, bucket, prefix = _bucket(uri, flag)
    return f"{scheme}://{bucket}/{prefix}" if prefix else f"{scheme}://{bucket}"


def _bucket(uri: str, flag: str) -> tuple[str, str, str]:
    """Scheme, name and prefix of a bucket."""
    scheme, _, rest = uri.partition("://")
    if not is_bucket(uri):
        raise ConfigError(
            f"{flag} must be a local folder, such as ./store or file:///tmp/store, or a bucket, such as "
            f'gs://bucket/prefix or s3://bucket/prefix; got "{uri}"'
        )
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(
            f"{flag} must name a bucket (letters, digits, dots, dashes and underscores, 2 to 222 of them), such as "
            f'{scheme}://bucket/prefix; got "{uri}"'
        )
    if prefix:
        check_key(prefix)
    return scheme.lower(), bucket, prefix


def open_existing(uri: str, flag: str = FLAG, *, deadline_seconds: float | None = None) -> Store:
    """The store behind a URI, for reading: a missing folder is an error, not an empty store.

    Raises:
        NotFoundError: there is no such folder.
        ConfigError, StoreError: see `open_store`.
    """
    store = open_store(uri, flag, deadline_seconds=deadline_seconds)
    if isinstance(store, LocalStore) and not store.root.is_dir():
        raise NotFoundError(f"there is no store at {store.uri}; check {flag}")
    return store


def _open_bucket(scheme: str, bucket: str, prefix: str, deadline_seconds: float | None) -> Store:
    from gan.store.cloud.bucket import BucketStore
    from gan.store.cloud.retry import from_environment

    retry = from_environment(deadline_seconds)
    if scheme == "gs":
        from gan.store.cloud.gcs import GcsApi

        return BucketStore(GcsApi(bucket), prefix, retry)
    try:
        from gan.store.cloud.s3 import S3Api
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "botocore"):
            raise
        raise ConfigError(f"s3://{bucket} needs boto3: run `make install`, or pip install boto3") from None
    return BucketStore(S3Api(bucket), prefix, retry)


def is_bucket(uri: str) -> bool:
    """Whether a URI is of a bucket: `gs://...` or `s3://...`."""
    scheme, mark, _ = uri.partition("://")
    return bool(mark) and scheme.lower() in BUCKETS


def local_path(uri: str, flag: str) -> Path | None:
    """The local file or folder that a path or `file://` URI names; None for a URI of another scheme.

    In a path, only a leading `~` or `~user` is expanded. A `file://` URI is absolute and percent-encoded.

    Args:
        uri: `./store`, `~/store`, `file:///tmp/my%20store` or `file://localhost/tmp/store`.
        flag: for the message: the flag it was given as, such as `--store`.

    Raises:
        ConfigError: it is empty, on another machine, or in the home of an unknown user.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return _expanded(uri, flag)
    if scheme.lower() != "file":
        return None
    host, slash, below = rest.partition("/")
    if host.lower() not in THIS_MACHINE:
        raise ConfigError(
            f'{flag} must be a path or a file:// URI of this machine, such as file:///tmp/x; "{uri}" '
            f'names the machine "{host}"'
        )
    if not slash:
        raise ConfigError(f'{flag} must be a path or a file:// URI, such as file:///tmp/x; "{uri}" has no path')
    return _without_nul(f"/{unquote(below)}", flag)


def _expanded(path: str, flag: str) -> Path:
    if not path:
        raise ConfigError(f'{flag} must be a path or a file:// URI, such as ./x or file:///tmp/x; got ""')
    try:
        return _without_nul(path, flag).expanduser()
    except RuntimeError:
        user = path.partition("/")[0]
        raise ConfigError(
            f'{flag}: no user is called {user}, in "{path}"; write the path out, or ./{path} for a folder of that name'
        ) from None


def _without_nul(path: str, flag: str) -> Path:
    if "\0" in path:
        raise ConfigError(f"{flag} must be a path; {path!r} contains a zero byte")
    return Path(path)
