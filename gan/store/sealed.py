"""Immutable objects made of several files: datasets, references and generators.

`<kind>/<id>/SHA256SUMS` is written last and lists every other file, so an object exists for readers exactly when that
file does. The format is that of sha256sum(1): `cd` into a downloaded object and `sha256sum -c SHA256SUMS` checks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.errors import IntegrityError, NotFoundError
from gan.ids import HASH_LENGTH, check_id, file_sha256, sha256
from gan.store.interface import Store

SEAL = "SHA256SUMS"
KINDS = {"dataset": "datasets", "reference": "references", "generator": "generators"}


@dataclass(frozen=True)
class Damage:
    """A file that is not what its checksum says. `found` is None where the file is missing."""

    uri: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        state = "is missing" if self.found is None else f"has SHA-256 {self.found}"
        return f"{self.uri} {state}; expected {self.expected}"


def files_below(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its relative path: what `publish` takes."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def sums_text(files: Mapping[str, Path]) -> str:
    """The text of SHA256SUMS for these files."""
    return "".join(f"{file_sha256(path)}  {name}\n" for name, path in sorted(files.items()))


def sums_id(prefix: str, files: Mapping[str, Path]) -> str:
    """An id that is a hash of every byte of every file: `<prefix>-<12 hexadecimal digits>`."""
    return f"{prefix}-{sha256(sums_text(files).encode())[:HASH_LENGTH]}"


def publish(store: Store, kind: str, object_id: str, files: Mapping[str, Path]) -> str:
    """Put files into the store as one immutable object, the seal last.

    Publishing what is there already does nothing. What a killed attempt left unsealed is overwritten.

    Args:
        store: where to.
        kind: a key of `KINDS`.
        object_id: the id, which must be a hash of the content.
        files: relative names to local files; no name is SHA256SUMS.

    Returns:
        The URI of the object.
    """
    prefix = prefix_of(kind, object_id)
    if not store.exists(f"{prefix}/{SEAL}"):
        for name, path in files.items():
            store.upload(f"{prefix}/{name}", path)
        store.write(f"{prefix}/{SEAL}", sums_text(files).encode())
    return store.uri_of(prefix)


def prefix_of(kind: str, object_id: str) -> str:
    """Where an object lies in the store: `datasets/<id>`."""
    return f"{KINDS[kind]}/{check_id(object_id, f'{kind} id')}"


def is_published(store: Store, kind: str, object_id: str) -> bool:
    """Whether an object is there, whole."""
    return store.exists(f"{prefix_of(kind, object_id)}/{SEAL}")


def read_sums(store: Store, kind: str, object_id: str) -> dict[str, str]:
    """The checksums of a published object's files, by relative name.

    Raises:
        NotFoundError: no such object; the message lists those that there are.
        IntegrityError: the list itself is damaged.
    """
    prefix = prefix_of(kind, object_id)
    try:
        text = store.read(f"{prefix}/{SEAL}").decode()
        return {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}
    except NotFoundError:
        known = list(ids(store, kind))
        listing = f"there are: {', '.join(known)}" if known else f"there is no {kind} yet"
        raise NotFoundError(f'no {kind} "{object_id}" in the store {store.uri}; {listing}') from None
    except UnicodeDecodeError:
        raise IntegrityError(f"{store.uri_of(prefix)}/{SEAL} is damaged: not text") from None


def ids(store: Store, kind: str) -> Iterator[str]:
    """The ids of all published objects of a kind, sorted."""
    for item in store.list(KINDS[kind]):
        parts = item.key.split("/")
        if len(parts) == 3 and parts[2] == SEAL:
            yield parts[1]


def read_file(store: Store, kind: str, object_id: str, name: str) -> bytes:
    """One file of a published object, checked against its checksum before it is used.

    Raises:
        NotFoundError: no such object, or it has no such file.
        IntegrityError: its bytes are not those that were published.
    """
    expected = _expected(store, kind, object_id, name)
    key = f"{prefix_of(kind, object_id)}/{name}"
    try:
        data = store.read(key)
    except NotFoundError:
        raise IntegrityError(str(Damage(store.uri_of(key), expected, None))) from None
    found = sha256(data)
    if found != expected:
        raise IntegrityError(str(Damage(store.uri_of(key), expected, found)))
    return data


def read_json(store: Store, kind: str, object_id: str, name: str) -> Any:
    """A JSON file of a published object, checked."""
    return json.loads(read_file(store, kind, object_id, name))


def fetch(store: Store, kind: str, object_id: str, folder: Path) -> Path:
    """Bring a whole published object into a local folder, each file checked.

    Raises:
        NotFoundError: no such object.
        IntegrityError: a file is missing or its bytes are not those that were published.
    """
    for name in read_sums(store, kind, object_id):
        fetch_file(store, kind, object_id, name, folder / name)
    return folder


def fetch_file(store: Store, kind: str, object_id: str, name: str, path: Path) -> Path:
    """Bring one file of a published object to `path`, checked; see `fetch`."""
    expected = _expected(store, kind, object_id, name)
    key = f"{prefix_of(kind, object_id)}/{name}"
    try:
        store.download(key, path)
    except NotFoundError:
        raise IntegrityError(str(Damage(store.uri_of(key), expected, None))) from None
    found = file_sha256(path)
    if found != expected:
        path.unlink()
        raise IntegrityError(str(Damage(store.uri_of(key), expected, found)))
    return path


def damages(store: Store, kind: str, object_id: str) -> Iterator[Damage]:
    """Read every byte of a published object again and tell each file that is not what was published."""
    prefix = prefix_of(kind, object_id)
    for name, expected in read_sums(store, kind, object_id).items():
        key = f"{prefix}/{name}"
        try:
            found: str | None = sha256(store.read(key))
        except NotFoundError:
            found = None
        if found != expected:
            yield Damage(store.uri_of(key), expected, found)


def _expected(store: Store, kind: str, object_id: str, name: str) -> str:
    sums = read_sums(store, kind, object_id)
    if name not in sums:
        raise NotFoundError(f"{kind} {object_id} has no file {name}; it has: {', '.join(sums)}")
    return sums[name]
