"""Reads the files of a .zip or .tar archive into memory: paths in the archive are never written to."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import PurePosixPath

from gan.errors import ConfigError
from gan.metrics.features.network_file import Files

MAX_BYTES = 4 * 1024**3


def unpack(data: bytes, where: str) -> Files:
    """The files of an archive by their paths.

    Raises:
        ConfigError: it is not an archive, is damaged, holds more than 4 GiB, or has a path that leads out of it.
    """
    try:
        files = _unzip(data, where) if where.endswith(".zip") else _untar(data, where)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise ConfigError(f"{where} is not an archive that can be read ({error})") from None
    for name in files:
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ConfigError(f"{where} holds a file that leads out of it: {name!r}")
    return files


def _unzip(data: bytes, where: str) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        _check_size(sum(each.file_size for each in members), where)
        return {each.filename: archive.read(each) for each in members}


def _untar(data: bytes, where: str) -> Files:
    """The regular files; links and devices are skipped."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [each for each in archive if each.isreg()]
        _check_size(sum(each.size for each in members), where)
        return {each.name.removeprefix("./"): _content(archive, each) for each in members}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _check_size(size: int, where: str) -> None:
    if size > MAX_BYTES:
        raise ConfigError(f"{where} unpacks to {size:,} bytes; at most {MAX_BYTES:,} are read")
