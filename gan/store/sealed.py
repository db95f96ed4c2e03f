"""Immutable objects made of several files: datasets, references and generators.

`<kind>/<id>/SHA256SUMS` is written last and lists every other file, so an object exists for readers exactly when that
file does. The format is that of sha256sum(1): `cd` into a downloaded object and `sha256sum -c SHA256SUMS` checks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.ids import HASH_LENGTH, check_id, file_sha256, is_id, sha256
from gan.store.document import parse_json
from gan.store.interface import Store, check_key
from gan.types import Json

SEAL = "SHA256SUMS"
KINDS = {"dataset": "datasets", "reference": "references", "generator": "generators"}
NAMED_BY_SEAL = {"reference": "ref", "generator": "gen"}  # these ids are the hash of their seal
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


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
    return _id_of_seal(prefix, sums_text(files).encode())


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
    seal = _read_seal(store, kind, object_id)
    return _parse_seal(seal, store.uri_of(f"{prefix_of(kind, object_id)}/{SEAL}"))


def ids(store: Store, kind: str) -> Iterator[str]:
    """The ids of all published objects of a kind, sorted."""
    for item in store.list(KINDS[kind]):
        parts = item.key.split("/")
        if len(parts) == 3 and parts[2] == SEAL and is_id(parts[1]):
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


def read_json(store: Store, kind: str, object_id: str, name: str) -> Json:
    """A JSON object in a file of a published object, checked; see `read_file`."""
    uri = store.uri_of(f"{prefix_of(kind, object_id)}/{name}")
    return parse_json(read_file(store, kind, object_id, name), uri)


def fetch(store: Store, kind: str, object_id: str, folder: Path) -> Path:
    """Bring a whole published object into a local folder, each file checked.

    Raises:
        NotFoundError: no such object.
        IntegrityError: a file is missing or its bytes are not those that were published.
    """
    prefix = prefix_of(kind, object_id)
    for name, expected in read_sums(store, kind, object_id).items():
        _fetch(store, f"{prefix}/{name}", expected, folder / name)
    return folder


def fetch_file(store: Store, kind: str, object_id: str, name: str, path: Path) -> Path:
    """Bring one file of a published object to `path`, checked; see `fetch`."""
    expected = _expected(store, kind, object_id, name)
    return _fetch(store, f"{prefix_of(kind, object_id)}/{name}", expected, path)


def _fetch(store: Store, key: str, expected: str, path: Path) -> Path:
    try:
        store.download(key, path)
    except NotFoundError:
        raise IntegrityError(str(Damage(store.uri_of(key), expected, None))) from None
    found = file_sha256(path)
    if found != expected:
        path.unlink()
        raise IntegrityError(str(Damage(store.uri_of(key), expected, found)))
    return path


def damages(store: Store, kind: str, object_id: str) -> Iterator[str]:
    """Read every byte of a published object again and tell, in a sentence each, what is not as it was published.

    The seal is held against the object's id where that is its hash; a dataset's id is the hash of its description,
    which tells the checksums of the shards.

    Raises:
        NotFoundError: no such object.
    """
    prefix = prefix_of(kind, object_id)
    seal = _read_seal(store, kind, object_id)
    uri = store.uri_of(f"{prefix}/{SEAL}")
    try:
        sums = _parse_seal(seal, uri)
    except IntegrityError as error:
        yield str(error)
        return
    if kind in NAMED_BY_SEAL and (sealed := _id_of_seal(NAMED_BY_SEAL[kind], seal)) != object_id:
        yield f"{uri} is damaged: it is the seal of {sealed}"
    for name, expected in sums.items():
        key = f"{prefix}/{name}"
        try:
            found: str | None = sha256(store.read(key))
        except NotFoundError:
            found = None
        if found != expected:
            yield str(Damage(store.uri_of(key), expected, found))


def _id_of_seal(prefix: str, seal: bytes) -> str:
    return f"{prefix}-{sha256(seal)[:HASH_LENGTH]}"


def _read_seal(store: Store, kind: str, object_id: str) -> bytes:
    try:
        return store.read(f"{prefix_of(kind, object_id)}/{SEAL}")
    except NotFoundError:
        known = list(ids(store, kind))
        listing = f"there are: {', '.join(known)}" if known else f"there is no {kind} yet"
        raise NotFoundError(f'no {kind} "{object_id}" in the store {store.uri}; {listing}') from None


def _parse_seal(seal: bytes, uri: str) -> dict[str, str]:
    try:
        lines = seal.decode().split("\n")
    except UnicodeDecodeError:
        raise IntegrityError(f"{uri} is damaged: not text") from None
    if len(lines) < 2 or lines.pop():
        raise IntegrityError(f"{uri} is damaged: it is cut short")
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or not _is_name(parts[2]) or parts[2] in sums:
            raise IntegrityError(f"{uri} is damaged: its line {number} is no checksum of a file")
        sums[parts[2]] = parts[1]
    return sums


def _is_name(name: str) -> bool:
    """Whether a file of this name stays inside its object's folder."""
    try:
        return check_key(name) != SEAL
    except ConfigError:
        return False


def _expected(store: Store, kind: str, object_id: str, name: str) -> str:
    sums = read_sums(store, kind, object_id)
    if name not in sums:
        raise NotFoundError(f"{kind} {object_id} has no file {name}; it has: {', '.join(sums)}")
    return sums[name]
