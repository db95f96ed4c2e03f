"""Files that appear whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gan.errors import StoreError


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file to write to, which replaces `path` at the end; if the block fails nothing of it is left.

    Raises:
        StoreError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                yield file.file
                file.close()
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror}; free some space there, or use another disk") from None
