"""A process that moves more than it may hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import servers

MOST_MB, FILE_MB, SHARDS = 256, 320, 32
# Not ru_maxrss, which begins with what the process had that started this one.
MOVE = """
import re, sys
from pathlib import Path
from gan.store import immutable, open_store
store, folder = open_store(sys.argv[1]), Path(sys.argv[2])
digest = store.upload("large", folder / "large")
assert store.download("large", folder / "copy") == digest
immutable.publish(store, "dataset", "d-1", immutable.files_below(folder / "shards"))
immutable.fetch(store, "dataset", "d-1", folder / "fetched")
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gcs_server", "minio_server"])
def test_memory_stays_flat_whatever_the_size(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    (tmp_path / "shards").mkdir()
    with (tmp_path / "large").open("wb") as file:
        for number in range(FILE_MB):
            file.write(number.to_bytes(4, "big") * (1 << 18))
    for number in range(SHARDS):
        (tmp_path / "shards" / f"{number}").write_bytes(number.to_bytes(4, "big") * (1 << 21))
    command = [sys.executable, "-c", MOVE, f"{server.scheme}://{servers.make_bucket(server)}/p", str(tmp_path)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **server.environment})
    assert int(answer.stdout) < MOST_MB
