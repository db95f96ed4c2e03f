"""Immutable objects made of several files: datasets, references and generators.

`<kind>/<id>/SHA256SUMS` is written last and lists every other file, so readers see an object exactly while that file
exists. The format is that of sha256sum(1): `cd` into a downloaded object and `sha256sum -c SHA256SUMS` checks it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gan.errors import AlreadyExistsError, ConfigError, ConflictError, IntegrityError, NotFoundError
from gan.store.cloud.transfer import TransferJob, transfer
from gan.store.document import parse_json
from gan.store.interface import Store, check_key
from gan.types import Json
from gan.util.ids import HASH_LENGTH, check_id, file_sha256, is_id, sha256
from gan.util.scratch import scratch_folder

SUMS_FILE = "SHA256SUMS"
KINDS = {"dataset": "datasets", "reference": "references", "generator": "generators"}
NAMED_BY_SUMS = {"reference": "ref", "generator": "gen"}  # these ids are the hash of their SHA256SUMS
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Damage:
    """A file that differs from its checksum. `found` is None where the file is missing."""

    uri: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        state = "is missing" if self.found is None else f"has SHA-256 {self.found}"
        return f"{self.uri} {state}; expected {self.expected}"


def files_below(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its relative path, for `publish`."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def sums_text(files: Mapping[str, Path]) -> str:
    """The text of SHA256SUMS for these files."""
    return _sums_text({name: file_sha256(path) for name, path in files.items()})


def _sums_text(sums: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def sums_id(prefix: str, files: Mapping[str, Path]) -> str:
    """An id that is a hash of every byte of every file: `<prefix>-<12 hexadecimal digits>`."""
    return _id_from_sums(prefix, sums_text(files).encode())


def publish(store: Store, kind: str, object_id: str, files: Mapping[str, Path]) -> str:
    """Put files into the store as one immutable object, several at once, SHA256SUMS last.

    Files are created, never replaced, and a file with the same bytes stays. So an attempt continues where a killed one
    stopped, and two that publish the same object at once both succeed.

    Args:
        store: the target.
        kind: a key of `KINDS`.
        object_id: the id, which must be a hash of the content.
        files: local files by relative name, without SHA256SUMS.

    Returns:
        The URI of the object.

    Raises:
        ConflictError: the store has something else under this id.
    """
    prefix = prefix_of(kind, object_id)
    if store.exists(f"{prefix}/{SUMS_FILE}"):
        _require_same_sums(store, prefix, sums_text(files).encode())
    else:
        _publish(store, prefix, files)
    return store.uri_of(prefix)


def _publish(store: Store, prefix: str, files: Mapping[str, Path]) -> None:
    existing = {item.key for item in store.list(prefix)}
    jobs = [
        TransferJob(path.stat().st_size, partial(_create, store, prefix, name, path, existing))
        for name, path in files.items()
    ]
    created = dict(zip(files, transfer(f"upload {prefix}", jobs), strict=True))
    _write_sums(store, prefix, _sums_text(created).encode())
    if existing:
        _upload_missing(store, prefix, files)


def _create(store: Store, prefix: str, name: str, path: Path, existing: Collection[str]) -> str:
    """Create a file of an object unless it exists; returns its SHA-256."""
    key = f"{prefix}/{name}"
    if key not in existing:
        with contextlib.suppress(AlreadyExistsError):
            return store.upload(key, path, if_absent=True)
    try:
        ours, found = file_sha256(path), store.sha256(key)
    except NotFoundError:  # `gan gc` deleted it meanwhile
        return store.upload(key, path, if_absent=True)
    if found != ours:
        raise _conflict(store, prefix, name, ours, found)
    return ours


def _write_sums(store: Store, prefix: str, sums: bytes) -> None:
    try:
        store.write(f"{prefix}/{SUMS_FILE}", sums, if_absent=True)
    except AlreadyExistsError:
        _require_same_sums(store, prefix, sums)


def _require_same_sums(store: Store, prefix: str, sums: bytes) -> None:
    found = store.read(f"{prefix}/{SUMS_FILE}")
    if found != sums:
        raise _conflict(store, prefix, SUMS_FILE, sha256(sums), sha256(found))


def _upload_missing(store: Store, prefix: str, files: Mapping[str, Path]) -> None:
    """Upload again what `gan gc` deleted, as the rest of a killed attempt, just before SHA256SUMS was written."""
    existing = {item.key for item in store.list(prefix)}
    for name, path in files.items():
        if f"{prefix}/{name}" not in existing:
            _create(store, prefix, name, path, existing)


def _conflict(store: Store, prefix: str, name: str, ours: str, found: str) -> ConflictError:
    return ConflictError(
        f"{store.uri_of(f'{prefix}/{name}')} has other content than what is to be published: SHA-256 {found} there, "
        f"{ours} here. An id is a hash of its content, so one of them is damaged or was made by another version: check "
        f"it with gan verify {prefix.partition('/')[2]}, delete {store.uri_of(prefix)} if nothing needs it, and run "
        "the same command again"
    )


def prefix_of(kind: str, object_id: str) -> str:
    """The folder of an object in the store: `datasets/<id>`."""
    return f"{KINDS[kind]}/{check_id(object_id, f'{kind} id')}"


def is_published(store: Store, kind: str, object_id: str) -> bool:
    """Whether the complete object is in the store."""
    return store.exists(f"{prefix_of(kind, object_id)}/{SUMS_FILE}")


def remedy(store: Store, kind: str, object_id: str) -> str:
    """What to do about a damaged object, for the end of a message."""
    uri = store.uri_of(prefix_of(kind, object_id))
    return f"delete {uri}, then copy the object from another store (gan store copy), or make it again"


def read_sums(store: Store, kind: str, object_id: str) -> dict[str, str]:
    """The checksums of a published object's files, by relative name.

    Raises:
        NotFoundError: no such object; the message lists the known ones.
        IntegrityError: SHA256SUMS itself is damaged.
    """
    data = _read_sums_file(store, kind, object_id)
    uri = store.uri_of(f"{prefix_of(kind, object_id)}/{SUMS_FILE}")
    if wrong := _wrong_id(kind, object_id, data):
        raise IntegrityError(f"{uri} is damaged: {wrong}; {remedy(store, kind, object_id)}")
    try:
        return _parse_sums(data, uri)
    except IntegrityError as error:
        raise IntegrityError(f"{error}; {remedy(store, kind, object_id)}") from None


def ids(store: Store, kind: str) -> Iterator[str]:
    """The ids of all published objects of a kind, sorted."""
    for item in store.list(KINDS[kind]):
        parts = item.key.split("/")
        if len(parts) == 3 and parts[2] == SUMS_FILE and is_id(parts[1]):
            yield parts[1]


def read_file(store: Store, kind: str, object_id: str, name: str) -> bytes:
    """One file of a published object, checked against its checksum before it is used.

    Raises:
        NotFoundError: no such object, or it has no such file.
        IntegrityError: its bytes changed since it was published.
    """
    expected = _expected_sha256(store, kind, object_id, name)
    try:
        data = store.read(f"{prefix_of(kind, object_id)}/{name}")
    except NotFoundError:
        raise _damaged(store, kind, object_id, name, expected, None) from None
    found = sha256(data)
    if found != expected:
        raise _damaged(store, kind, object_id, name, expected, found)
    return data


def read_json(store: Store, kind: str, object_id: str, name: str) -> Json:
    """A JSON object in a file of a published object, checked; see `read_file`."""
    uri = store.uri_of(f"{prefix_of(kind, object_id)}/{name}")
    return parse_json(read_file(store, kind, object_id, name), uri)


def fetch(store: Store, kind: str, object_id: str, folder: Path) -> Path:
    """Download a whole published object into a local folder, each file checked.

    Raises:
        NotFoundError: no such object.
        IntegrityError: a file is missing, or its bytes changed since it was published.
    """
    prefix = prefix_of(kind, object_id)
    sums = read_sums(store, kind, object_id)
    sizes = {item.key: item.size for item in store.list(prefix)}
    transfer(
        f"download {prefix}",
        [
            TransferJob(
                sizes.get(f"{prefix}/{name}", 0), partial(_fetch, store, kind, object_id, name, expected, folder / name)
            )
            for name, expected in sums.items()
        ],
    )
    return folder


def fetch_file(store: Store, kind: str, object_id: str, name: str, path: Path) -> Path:
    """Download one file of a published object to `path`, checked; see `fetch`."""
    expected = _expected_sha256(store, kind, object_id, name)
    return _fetch(store, kind, object_id, name, expected, path)


def _fetch(store: Store, kind: str, object_id: str, name: str, expected: str, path: Path) -> Path:
    try:
        found = store.download(f"{prefix_of(kind, object_id)}/{name}", path)
    except NotFoundError:
        raise _damaged(store, kind, object_id, name, expected, None) from None
    if found != expected:
        path.unlink()
        raise _damaged(store, kind, object_id, name, expected, found)
    return path


def _damaged(store: Store, kind: str, object_id: str, name: str, expected: str, found: str | None) -> IntegrityError:
    damage = Damage(store.uri_of(f"{prefix_of(kind, object_id)}/{name}"), expected, found)
    return IntegrityError(f"{damage}; {remedy(store, kind, object_id)}")


def find_damage(store: Store, kind: str, object_id: str) -> Iterator[str]:
    """Read every byte of a published object again and yield a sentence for each file that changed.

    SHA256SUMS is checked against the object's id where that is its hash; a dataset's id is the hash of its description,
    which holds the checksums of the shards.

    Raises:
        NotFoundError: no such object.
    """
    prefix = prefix_of(kind, object_id)
    data = _read_sums_file(store, kind, object_id)
    uri = store.uri_of(f"{prefix}/{SUMS_FILE}")
    try:
        sums = _parse_sums(data, uri)
    except IntegrityError as error:
        yield str(error)
        return
    if wrong := _wrong_id(kind, object_id, data):
        yield f"{uri} is damaged: {wrong}"
    with scratch_folder() as folder:
        for name, expected in sums.items():
            found = _read_sha256(store, f"{prefix}/{name}", folder / "copy")
            if found != expected:
                yield str(Damage(store.uri_of(f"{prefix}/{name}"), expected, found))


def _read_sha256(store: Store, key: str, scratch: Path) -> str | None:
    """The SHA-256 of an object's bytes as read now, in little memory; None where it is missing."""
    try:
        local = store.local_path(key)
        return store.download(key, scratch) if local is None else store.sha256(key)
    except NotFoundError:
        return None


def _wrong_id(kind: str, object_id: str, sums: bytes) -> str:
    """How SHA256SUMS contradicts the id of its object, where that is its hash; empty where it does not."""
    if kind not in NAMED_BY_SUMS:
        return ""
    found = _id_from_sums(NAMED_BY_SUMS[kind], sums)
    return "" if found == object_id else f"it belongs to {found}; expected {object_id}"


def _id_from_sums(prefix: str, sums: bytes) -> str:
    return f"{prefix}-{sha256(sums)[:HASH_LENGTH]}"


def _read_sums_file(store: Store, kind: str, object_id: str) -> bytes:
    try:
        return store.read(f"{prefix_of(kind, object_id)}/{SUMS_FILE}")
    except NotFoundError:
        known = list(ids(store, kind))
        listing = f"it has: {', '.join(known)}" if known else f"it has no {kind} yet"
        raise NotFoundError(f'no {kind} "{object_id}" in the store {store.uri}; {listing}') from None


def _parse_sums(data: bytes, uri: str) -> dict[str, str]:
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise IntegrityError(f"{uri} is damaged: not text") from None
    if len(lines) < 2 or lines.pop():
        raise IntegrityError(f"{uri} is damaged: it is truncated")
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or not _is_name(parts[2]) or parts[2] in sums:
            raise IntegrityError(f"{uri} is damaged: line {number} is not a checksum of a file")
        sums[parts[2]] = parts[1]
    return sums


def _is_name(name: str) -> bool:
    """Whether a file of this name stays inside its object's folder."""
    try:
        return check_key(name) != SUMS_FILE
    except ConfigError:
        return False


def _expected_sha256(store: Store, kind: str, object_id: str, name: str) -> str:
    sums = read_sums(store, kind, object_id)
    if name not in sums:
        raise NotFoundError(f"{kind} {object_id} has no file {name}; it has: {', '.join(sums)}")
    return sums[name]
