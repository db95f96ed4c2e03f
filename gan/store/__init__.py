"""Where everything durable lives: one URI, and a small interface behind it."""

from __future__ import annotations

from gan.errors import ConfigError
from gan.store.document import read_json
from gan.store.interface import Item, Leftover, Store, Versioned, check_key
from gan.store.local import LocalStore
from gan.store.uri import local_path

__all__ = ["Item", "Leftover", "LocalStore", "Store", "Versioned", "check_key", "local_path", "open_store", "read_json"]

FLAG = "--store"
BUCKETS = ("gs", "s3", "az", "abfs")


def open_store(uri: str) -> Store:
    """The store behind a URI: a path or `file://` URI of a local folder.

    Raises:
        ConfigError: the URI names no local folder.
    """
    folder = local_path(uri, FLAG)
    if folder is not None:
        return LocalStore(folder)
    scheme = uri.partition("://")[0]
    if scheme.lower() in BUCKETS:
        raise ConfigError(
            f'{FLAG}: buckets ({scheme}://) are not supported yet; got "{uri}". Give a local folder, such as ./store, '
            "and copy it to the bucket with that cloud's own tool"
        )
    raise ConfigError(f'{FLAG} must be a local folder, such as ./store or file:///tmp/store; got "{uri}"')
