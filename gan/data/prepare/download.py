"""Files from public mirrors, each checked against its published MD5."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from gan.util.scratch import disk_error

TIMEOUT_SECONDS = 30.0
MAX_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20


class DownloadError(Exception):
    """No mirror gave the file; the message says what each of them said."""


def download_from_mirrors(
    name: str, md5: str, mirrors: Sequence[str], folder: Path, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Path:
    """The file `name` in `folder`, downloaded from the first mirror that has it, unless it is there already.

    Args:
        name: appended to each mirror's address.
        md5: of the file; other bytes are refused.
        mirrors: http(s) addresses that end in a slash, the preferred one first.
        folder: where the file is kept.
        timeout_seconds: how long a silent server is waited for.

    Raises:
        DownloadError: no mirror gave these very bytes.
        StoreError: the file can't be written.
    """
    path = folder / name
    if path.is_file() and file_md5(path) == md5:
        return path
    complaints = []
    for mirror in mirrors:
        try:
            _save(f"{mirror}{name}", md5, path, timeout_seconds)
        except _MIRROR_ERRORS as error:
            complaints.append(f"{mirror}: {getattr(error, 'reason', error)}")
        except OSError as error:
            raise disk_error(error) from None
        else:
            return path
    raise DownloadError("; ".join(complaints))


def file_md5(path: Path) -> str:
    """MD5 of a file in hexadecimal: what data sets of the field publish, though not safe against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _WrongBytesError(Exception):
    """A mirror's file is not the one that was published."""


_MIRROR_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    TimeoutError,
    ConnectionError,
    ssl.SSLError,
    _WrongBytesError,
)


def _save(address: str, md5: str, path: Path, timeout_seconds: float) -> None:
    request = urllib.request.Request(address, headers={"User-Agent": "gan-pipelines"})  # noqa: S310
    found = hashlib.md5(usedforsecurity=False)
    size = 0
    with (
        urllib.request.urlopen(request, timeout=timeout_seconds) as answer,  # noqa: S310
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file,
    ):
        temporary = Path(file.name)
        try:
            while piece := answer.read(_CHUNK_BYTES):
                size += len(piece)
                if size > MAX_BYTES:
                    raise _WrongBytesError(f"more than {MAX_BYTES} bytes")
                found.update(piece)
                file.write(piece)
            file.close()
            if found.hexdigest() != md5:
                raise _WrongBytesError(f"has MD5 {found.hexdigest()}, expected {md5}")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
