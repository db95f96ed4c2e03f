"""Downloads files from public mirrors and checks their published MD5."""

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
    """No mirror provided the file; the message has the error of each mirror."""


def download_from_mirrors(
    name: str, md5: str, mirrors: Sequence[str], folder: Path, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Path:
    """The file `name` in `folder`; if it is missing, it is downloaded from the first mirror that has it.

    Args:
        name: appended to each mirror's URL.
        md5: expected MD5 of the file.
        mirrors: http(s) URLs that end in a slash, the preferred one first.
        folder: where the file is kept.
        timeout_seconds: timeout of a connection without data.

    Raises:
        DownloadError: no mirror provided a file with this MD5.
        StoreError: the file can't be written.
    """
    path = folder / name
    if path.is_file() and file_md5(path) == md5:
        return path
    failures = []
    for mirror in mirrors:
        try:
            _save(f"{mirror}{name}", md5, path, timeout_seconds)
        except _MIRROR_ERRORS as error:
            failures.append(f"{mirror}: {getattr(error, 'reason', error)}")
        except OSError as error:
            raise disk_error(error) from None
        else:
            return path
    raise DownloadError("; ".join(failures))


def file_md5(path: Path) -> str:
    """MD5 of a file in hexadecimal, as data sets publish it; not safe against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _WrongBytesError(Exception):
    """A mirror's file differs from the published one."""


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
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    with (
        urllib.request.urlopen(request, timeout=timeout_seconds) as response,  # noqa: S310
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file,
    ):
        temporary = Path(file.name)
        try:
            while chunk := response.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise _WrongBytesError(f"more than {MAX_BYTES} bytes")
                digest.update(chunk)
                file.write(chunk)
            file.close()
            if digest.hexdigest() != md5:
                raise _WrongBytesError(f"has MD5 {digest.hexdigest()}, expected {md5}")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
