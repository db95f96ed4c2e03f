"""The folder where downloads are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

from gan.errors import StoreError


def cache_folder(name: str) -> Path:
    """The folder `$XDG_CACHE_HOME/gan/<name>` or `~/.cache/gan/<name>`, created if missing.

    Its content is not trusted: readers verify checksums first.

    Raises:
        StoreError: it can't be created.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path("~/.cache").expanduser()) / "gan" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"can't create the cache folder {folder}: {error.strerror}; set XDG_CACHE_HOME to a writable folder"
        ) from None
    return folder
