"""Where everything durable lives: one URI, and a small interface behind it."""

from __future__ import annotations

from pathlib import Path

from gan.errors import ConfigError
from gan.store.interface import Item, Store, Versioned, check_key
from gan.store.local import LocalStore

__all__ = ["Item", "LocalStore", "Store", "Versioned", "check_key", "open_store"]


def open_store(uri: str) -> Store:
    """The store behind a URI: a path or `file://` URI of a local folder.

    Raises:
        ConfigError: the URI has a scheme that no store serves.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        scheme, rest = "file", uri
    if scheme != "file" or not rest:
        raise ConfigError(f'--store must be a local folder, such as ./store; got "{uri}"')
    return LocalStore(Path(rest).expanduser())
