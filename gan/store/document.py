"""JSON objects in the store, with detection of corruption.

A checksummed object ends with the key `"seal"`: the SHA-256 of all bytes before it (but for the comma), so a change of
any byte is found. It is written in one piece, or by `Store.swap` where several write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from gan.errors import IntegrityError
from gan.store.interface import Store
from gan.types import Json
from gan.util.ids import sha256

_CHECKSUM = re.compile(rb',\n  "seal": "([0-9a-f]{64})"\n}\n')
_CHECKSUM_BYTES = 81


def write_checksummed(store: Store, key: str, tree: Json) -> None:
    """Create or replace a checksummed JSON object; `tree` is not empty and has no key "seal"."""
    store.write(key, checksummed_json(tree))


def read_checksummed(store: Store, key: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """What `write_checksummed` wrote, without the checksum; see `read_json`.

    Raises:
        NotFoundError: there is no such object.
        IntegrityError: a byte of it changed, or it lacks one of `keys`.
    """
    return parse_checksummed(store.read(key), store.uri_of(key), keys=keys, remedy=remedy)


def checksummed_json(tree: Json) -> bytes:
    """The bytes of a checksummed JSON object."""
    body = json.dumps(tree, indent=2).removesuffix("\n}").encode()
    return body + f',\n  "seal": "{sha256(body)}"\n}}\n'.encode()


def parse_checksummed(data: bytes, uri: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """The checksummed JSON object in the bytes that were read from `uri`; see `read_checksummed`."""
    body, end = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    checksum = _CHECKSUM.fullmatch(end)
    if checksum is None:
        raise _damaged(
            uri, f"it should end with its checksum; found {len(data)} bytes ending with {data[-20:]!r}", remedy
        )
    expected, found = checksum[1].decode(), sha256(body)
    if found != expected:
        raise _damaged(uri, f"expected SHA-256 {expected}; found {found}", remedy)
    tree = parse_json(data, uri, keys=keys, remedy=remedy)
    del tree["seal"]
    return tree


def read_json(store: Store, key: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """A JSON object of the store.

    Args:
        store: where it is.
        key: its key.
        keys: the keys that it must have.
        remedy: for the message: what to do about a damaged one.

    Raises:
        NotFoundError: there is no such object.
        IntegrityError: it is not a JSON object, or lacks one of `keys`.
    """
    return parse_json(store.read(key), store.uri_of(key), keys=keys, remedy=remedy)


def parse_json(data: bytes, uri: str, *, keys: Collection[str] = (), remedy: str = "") -> Json:
    """The JSON object in the bytes that were read from `uri`; see `read_json`."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(uri, f"it is not JSON: {error}", remedy) from None
    if not isinstance(tree, dict):
        raise _damaged(uri, f"it should be a JSON object; found {type(tree).__name__}", remedy)
    missing = sorted(set(keys) - tree.keys())
    if missing:
        raise _damaged(uri, f"it lacks {', '.join(missing)}", remedy)
    return tree


def _damaged(uri: str, how: str, remedy: str) -> IntegrityError:
    return IntegrityError(f"{uri} is damaged ({how}); {remedy or 'restore it from a copy, or make it again'}")
