"""How every container of the tests runs, and Kubeflow's own runner of components in such containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKED: dict[str, Any] = {
    "network_mode": "none",
    "read_only": True,
    "tmpfs": {"/tmp": "mode=1777"},  # noqa: S108  what a pod has as an emptyDir
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}
"""No network, nothing to write but /tmp, no privilege to gain."""


@dataclass(frozen=True)
class Bench:
    """Folders that containers see under the same names: the store, and the records that steps leave."""

    store: Path
    records: Path


@contextmanager
def kubeflow_in_docker(folder: Path) -> Iterator[Bench]:
    """Make `kfp.local` run every component in a locked container of its own image."""
    from docker.types import Mount
    from kfp import local
    from kfp.local import config

    bench = Bench(folder / "store", folder / "records")
    places = [bench.store, bench.records, folder / "root", folder / "workspace"]
    for place in places:
        place.mkdir(parents=True)
        place.chmod(0o777)
    runner = local.DockerRunner(
        **LOCKED,
        user="65532:65532" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}",
        mounts=[Mount(str(place), str(place), type="bind") for place in (bench.store, bench.records)],
        environment={"GAN_STEP_RECORDS": str(bench.records)},
    )
    local.init(runner, pipeline_root=str(places[2]), workspace_root=str(places[3]))
    try:
        yield bench
    finally:
        config.LocalExecutionConfig.instance = None
