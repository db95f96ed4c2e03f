"""Local folders that can only be read as a bucket can: by download, and not by path."""

from __future__ import annotations

import threading
from pathlib import Path

from gan.errors import UnavailableError
from gan.store import LocalStore

PATIENCE_SECONDS = 60  # a test that waits for a held file fails instead of hanging


class Remote(LocalStore):
    """A store whose files can't be reached by path. `downloaded` are the names of the files that left it, in order."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.downloaded: list[str] = []

    def local_path(self, key: str) -> None:  # type: ignore[override]
        return None

    def download(self, key: str, path: Path) -> str:
        digest = super().download(key, path)
        self.downloaded.append(key.rpartition("/")[2])
        return digest


class Gated(Remote):
    """A remote store that gives out a file named in `gates` only once its gate is set."""

    def __init__(self, root: Path, *held: str) -> None:
        super().__init__(root)
        self.gates = {name: threading.Event() for name in held}

    def download(self, key: str, path: Path) -> str:
        gate = self.gates.get(key.rpartition("/")[2])
        if gate is not None and not gate.wait(PATIENCE_SECONDS):
            raise UnavailableError(f"the test never let {key} go")
        return super().download(key, path)
