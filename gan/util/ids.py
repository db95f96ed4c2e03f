"""Content hashes, and the ids that are allowed in the store."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from gan.errors import ConfigError

HASH_LENGTH = 12
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def canonical(value: Any) -> bytes:
    """Canonical JSON of a value: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(value: Any) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value))[:HASH_LENGTH]


def is_id(value: object) -> bool:
    """Whether `value` is safe as a folder's name in a store; see `check_id`."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def check_id(value: object, what: str) -> str:
    """`value` if it is safe as a folder's name in a store.

    Raises:
        ConfigError: it is not 1 to 100 letters, digits, dots, dashes or underscores, the first a letter or digit.
    """
    if isinstance(value, str) and is_id(value):
        return value
    raise ConfigError(
        f"{what} must be 1 to 100 letters, digits, dots, dashes or underscores, "
        f"the first a letter or digit; got {value!r}"
    )
