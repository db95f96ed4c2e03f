"""JSON objects in the store, read so that what is damaged is told as such."""

from __future__ import annotations

import json
from collections.abc import Collection

from gan.errors import IntegrityError
from gan.store.interface import Store
from gan.types import Json


def read_json(store: Store, key: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """A JSON object of the store.

    Args:
        store: where it is.
        key: its key.
        keys: what it must hold.
        remedy: for the message: what to do about a damaged one.

    Raises:
        NotFoundError: there is none.
        IntegrityError: it is no JSON object, or holds not all of `keys`.
    """
    return parse_json(store.read(key), store.uri_of(key), keys=keys, remedy=remedy)


def parse_json(data: bytes, uri: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """The JSON object in the bytes that were read from `uri`; see `read_json`."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(uri, f"it is no JSON: {error}", remedy) from None
    if not isinstance(tree, dict):
        raise _damaged(uri, f"it holds a {type(tree).__name__} where an object should be", remedy)
    missing = sorted(set(keys) - tree.keys())
    if missing:
        raise _damaged(uri, f"it lacks {', '.join(missing)}", remedy)
    return tree


def _damaged(uri: str, how: str, remedy: str) -> IntegrityError:
    return IntegrityError(f"{uri} is damaged ({how}); {remedy or 'restore it from a copy, or make it again'}")
