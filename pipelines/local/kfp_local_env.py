"""The environment in which `kfp.local` of kfp 2.17 runs our components.

Every change is undone at the end, and everything is written into one temporary folder.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.runtime.pod_metadata import RESULTS_FOLDER
from gan.util.log import PROGRESS_SECONDS
from gan.util.scratch import scratch_folder
from pipelines.local import python_shim

IMAGE = "python"  # the subprocess runner ignores it, but warns if this word is not in it


@contextmanager
def kfp_local_env(*, progress_every_seconds: float) -> Iterator[Path]:
    """Make `kfp.local` run components in subprocesses; yields the folder for their result files.

    Without this:
      - "python3" inside a parameter would be replaced by `sys.executable`. So that is "python3" here, and PATH leads it
        to `pipelines.local.python_shim`;
      - a user's workspace would be deleted after the run, and outputs would go to the current folder;
      - kfp's cache would ignore changes in the library's code;
      - the shell wrapper would leave a temporary folder for each step;
      - a folder `docker` in the current folder would pass for the package docker.
    """
    with scratch_folder() as folder, warnings.catch_warnings():
        places = {place: folder / place for place in ("bin", "results", "tmp", "root", "workspace")}
        for place in places.values():
            place.mkdir()
        _write_python3(places["bin"] / "python3")
        variables = {
            "PATH": f"{places['bin']}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "TMPDIR": str(places["tmp"]),
            RESULTS_FOLDER: str(places["results"]),
            PROGRESS_SECONDS: str(progress_every_seconds),
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",  # a user's own gan.py in the current folder is not the library
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        }
        with (
            _changed(os.environ, variables),
            _changed(sys.modules, _no_docker()),
            _changed(vars(sys), {"executable": "python3"}),
        ):
            _initialise(places["root"], places["workspace"])
            try:
                yield places["results"]
            finally:
                _reset()


def _write_python3(path: Path) -> None:
    command = shlex.join([sys.executable, "-I", "-S", str(Path(python_shim.__file__).resolve())])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _initialise(root: Path, workspace: Path) -> None:
    from kfp import local

    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(root),
        workspace_root=str(workspace),
        raise_on_error=True,
        enable_caching=False,
    )


def _reset() -> None:
    """Let calls of components make tasks again instead of running them."""
    from kfp.local import config

    config.LocalExecutionConfig.instance = None


def _no_docker() -> dict[str, Any]:
    """The entry of `sys.modules` that hides a folder `docker`; empty where the real package is there."""
    if "docker" in sys.modules:
        return {}
    found = importlib.util.find_spec("docker")
    is_package = found is not None and found.origin is not None
    return {} if is_package else {"docker": None}  # None: the import system's own way to say "there is none"


@contextmanager
def _changed(values: MutableMapping[str, Any], changes: Mapping[str, Any]) -> Iterator[None]:
    """With `changes` to `values` until the end."""
    before = {name: values[name] for name in changes if name in values}
    values.update(changes)
    try:
        yield
    finally:
        for name in changes:
            del values[name]
        values.update(before)
